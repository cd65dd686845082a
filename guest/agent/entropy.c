// SPDX-License-Identifier: GPL-2.0-or-later
/* Seed the kernel's random numbers: without a seed of its own each clone would draw the same. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SEED 32

static int device = -1; /* open from clone_prepare() to clone_done() */

static int open_device(void)
{
	return open("/dev/urandom", O_RDWR | O_CLOEXEC);
}

int entropy_prepare(void)
{
	device = open_device();
	return device < 0 ? -1 : 0;
}

void entropy_done(void)
{
	close(device);
	device = -1;
}

/* random(4): credit and mix in the seed, then reseed, so that the next read uses it. */
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
