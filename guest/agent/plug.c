// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pool's device that is added after the boot of the machine to be frozen: make the kernel rescan
 * the PCI bus. A hot-plug through ACPI is not needed.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define PCI            "/sys/bus/pci"
#define COMMAND        4 /* the offset of the command register, PCI 3.0, 6.2.2 */
#define COMMAND_MEMORY 2

static int write_digit(const char *path, const char *digit)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = write(fd, digit, 1) != 1;
	return close_with(fd, failed ? -1 : 0);
}

static bool decodes_memory(const char *address)
{
	char path[128];
	uint16_t command = 0;
	snprintf(path, sizeof(path), PCI "/devices/%.32s/config", address);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool read = pread(fd, &command, sizeof(command), COMMAND) == sizeof(command);
	close(fd);
	return read && command & COMMAND_MEMORY;
}

int apply_plug(const char *address)
{
	char path[128];
	snprintf(path, sizeof(path), PCI "/devices/%.32s/enable", address);
	if (access(path, F_OK) && write_digit(PCI "/rescan", "1"))
		return -1;
	return decodes_memory(address) ? 0 : write_digit(path, "1");
}
