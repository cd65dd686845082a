// SPDX-License-Identifier: GPL-2.0-or-later
#include "internal.h"

#include <time.h>

int64_t fam_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int64_t fam_now(void)
{
	return fam_now_us() / 1000;
}

int64_t fam_deadline(int limit)
{
	return limit < 0 ? INT64_MAX : fam_now() + limit;
}

bool fam_is_over(int64_t deadline)
{
	return deadline != INT64_MAX && fam_now() >= deadline;
}

/* A signal ends it early, which a waiter takes as one more reason to look. */
void fam_sleep_us(long microseconds)
{
	struct timespec nap = {microseconds / 1000000, microseconds % 1000000 * 1000};
	nanosleep(&nap, NULL);
}
