// SPDX-License-Identifier: GPL-2.0-or-later
/* Called before every store of the library to the pool: end the process at the n-th one. */
#include <unistd.h>

#define CRASHED 77

/* The thread that beats stores too, at any time: only the thread that armed counts. */
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
