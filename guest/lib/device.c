// SPDX-License-Identifier: GPL-2.0-or-later
/* The pool's file, and the doorbell if the file is the driver's device. */
#include "internal.h"
#include "../driver/famulus_uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/fam0"
#define LINK   "/mnt/fabric_emulation"
#define VECTOR 0
#define PEERS  64

static const char *default_path(void)
{
	const char *named = getenv("FAMULUS_POOL");
	if (named && *named)
		return named;
	return access(DEVICE, F_OK) == 0 ? DEVICE : LINK;
}

/* $FAMULUS_NODE, the number in the host name fabric<k>, or 0. */
static int node_number(void)
{
	char name[65] = "";
	int number = 0;
	const char *given = getenv("FAMULUS_NODE");
	if (given && *given)
		return atoi(given);
	gethostname(name, sizeof(name) - 1);
	return sscanf(name, "fabric%d", &number) == 1 ? number : 0;
}

/* If the device has no vectors or a call fails, the pool has no doorbell, and waits poll. */
static void open_doorbell(struct fam *fam, const struct famulus_info *info)
{
	struct famulus_eventfd take = {.vector = VECTOR};
	if (info->id < 0 || info->vectors <= VECTOR)
		return;
	take.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (take.fd < 0)
		return;
	if (ioctl(fam->fd, FAMULUS_SET_EVENTFD, &take) == 0)
		fam->event = take.fd;
	else
		close(take.fd);
}

static int measure(struct fam *fam)
{
	struct famulus_info info;
	struct stat status;
	if (fstat(fam->fd, &status))
		return -errno;
	fam->node = node_number();
	if (S_ISREG(status.st_mode)) {
		fam->size = (uint64_t)status.st_size;
		return 0;
	}
	if (!S_ISCHR(status.st_mode) || ioctl(fam->fd, FAMULUS_GET_INFO, &info))
		return -EINVAL;
	fam->size = info.size;
	fam->peer = info.id;
	if (info.id > 0 && !getenv("FAMULUS_NODE"))
		fam->node = info.id;
	open_doorbell(fam, &info);
	return 0;
}

int libfam_device_open(struct fam *fam, const char *path)
{
	fam->event = -1;
	fam->fd = open(path ? path : default_path(), O_RDWR | O_CLOEXEC);
	return fam->fd < 0 ? -errno : measure(fam);
}

void libfam_device_close(struct fam *fam)
{
	if (fam->event >= 0)
		close(fam->event);
	if (fam->fd >= 0)
		close(fam->fd);
}

/* Errors are ignored: a peer that cannot be rung is gone, or tries again within FAM_NAP_MS. */
void libfam_ring(struct fam *fam, uint64_t peers)
{
	struct famulus_ring ring = {.vector = VECTOR};
	if (fam->event < 0)
		return;
	for (unsigned bit = 0; bit < PEERS; bit++) {
		ring.peer = bit + 1;
		if (peers & 1ULL << bit)
			(void)ioctl(fam->fd, FAMULUS_RING, &ring);
	}
}
