// SPDX-License-Identifier: GPL-2.0-or-later
/* Find the virtio port by its name in sysfs; the links of udev may not exist yet. */
#include "agent.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PORTS      "/sys/class/virtio-ports"
#define TIMEOUT_MS 5000

static bool has_name(const char *device, const char *name)
{
	char path[300], found[128] = "";
	snprintf(path, sizeof(path), PORTS "/%.200s/name", device);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(found, sizeof(found), file))
		found[0] = '\0';
	fclose(file);
	found[strcspn(found, "\n")] = '\0';
	return strcmp(found, name) == 0;
}

static int find(const char *name)
{
	DIR *ports = opendir(PORTS);
	int port = -1;
	if (!ports)
		return -1;
	for (struct dirent *entry; port < 0 && (entry = readdir(ports));) {
		char path[300];
		if (entry->d_name[0] == '.' || !has_name(entry->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%.200s", entry->d_name);
		port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	closedir(ports);
	return port;
}

/* The driver receives the ports' names from the host some time after it has found the device. */
int port_open(const char *name)
{
	int port = find(name);
	for (int waited = 0; port < 0 && waited < TIMEOUT_MS; waited += 10) {
		usleep(10000);
		port = find(name);
	}
	return port;
}
