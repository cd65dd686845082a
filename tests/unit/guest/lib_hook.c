// SPDX-License-Identifier: GPL-2.0-or-later
/* The library calls fam_test_store() before each store to the pool: end the process at the n-th. */
#include <unistd.h>

#define CRASHED 77

/* The thread of the heartbeat stores too, at any time: count only in the thread that called arm. */
static _Thread_local long left;

void fam_test_arm(long stores)
{
	left = stores;
}

void fam_test_store(void)
{
	if (left && --left == 0)
		_exit(CRASHED);
}
