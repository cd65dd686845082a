// SPDX-License-Identifier: GPL-2.0-or-later
/* What a clone must not share with its like: random numbers to come. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SEED 32

/* random(4): credited, mixed in, and in use from the next read on. */
int apply_entropy(const char *hex)
{
	struct {
		struct rand_pool_info info;
		unsigned char seed[SEED];
	} pool = { .info = { .entropy_count = SEED * 8, .buf_size = SEED } };
	for (int i = 0; i < SEED; i++) {
		if (sscanf(hex + 2 * i, "%2hhx", &pool.seed[i]) != 1) {
			errno = EINVAL;
			return -1;
		}
	}
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = ioctl(fd, RNDADDENTROPY, &pool) || ioctl(fd, RNDRESEEDCRNG);
	return close_with(fd, failed ? -1 : 0);
}
