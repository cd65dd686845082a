// SPDX-License-Identifier: GPL-2.0-or-later
/* What a clone must not share with its like: random numbers to come. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SEED 32

static int device = -1; /* open while a machine is frozen */

static int open_device(void)
{
	return open("/dev/urandom", O_RDWR | O_CLOEXEC);
}

int fresh_prepare(void)
{
	device = open_device();
	return device < 0 ? -1 : 0;
}

void fresh_done(void)
{
	close(device);
	device = -1;
}

/* random(4): credited, mixed in, and in use from the next read on. */
int apply_entropy(const char *hex)
{
	struct {
		struct rand_pool_info info;
		unsigned char seed[SEED];
	} pool = {.info = {.entropy_count = SEED * 8, .buf_size = SEED}};
	if (hex_bytes(hex, pool.seed, SEED, 0))
		return -1;
	int fd = device < 0 ? open_device() : device;
	if (fd < 0)
		return -1;
	int failed = ioctl(fd, RNDADDENTROPY, &pool) || ioctl(fd, RNDRESEEDCRNG);
	return fd == device ? failed : close_with(fd, failed ? -1 : 0);
}
