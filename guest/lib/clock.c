// SPDX-License-Identifier: GPL-2.0-or-later
/* Time for timeouts. */
#include "internal.h"

#include <time.h>

int64_t libfam_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int64_t libfam_now(void)
{
	return libfam_now_us() / 1000;
}

int64_t libfam_deadline(int timeout)
{
	return timeout < 0 ? INT64_MAX : libfam_now() + timeout;
}

bool libfam_is_over(int64_t deadline)
{
	return deadline != INT64_MAX && libfam_now() >= deadline;
}

/* A signal ends the sleep early: the waiter then tries again earlier. */
void libfam_sleep_us(long microseconds)
{
	struct timespec nap = {microseconds / 1000000, microseconds % 1000000 * 1000};
	nanosleep(&nap, NULL);
}
