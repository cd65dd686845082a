// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wait of all primitives: try the step, spin, set this node's bit in the waiters' word, try
 * again, sleep, and so on.
 *
 * A process that changes a primitive calls libfam_wake() after the change. A waiter sets its node's
 * bit before its last try, so the waiter either sees the change or receives a ring. A ring may
 * still be lost (two threads share one eventfd; the node that should ring may have died): no sleep
 * is longer than FAM_NAP_MS.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define SPIN_US \
	100 /* about the time of a wake-up by a ring: at most twice the best time is spent */
#define NAP_MIN_US 50
#define NAP_MAX_US 5000

static long shorter(long a, long b)
{
	return a < b ? a : b;
}

/* Sleep for the `nap`-th time, until a ring, FAM_NAP_MS or `deadline`. */
static void sleep_a_while(struct fam *fam, unsigned nap, int64_t deadline)
{
	struct pollfd rung = {.fd = fam->event, .events = POLLIN};
	long left = deadline == INT64_MAX ? FAM_NAP_MS : (long)(deadline - libfam_now());
	uint64_t rings;
	if (left <= 0)
		return;
	if (fam->event < 0) {
		long nap_us = nap < 7 ? NAP_MIN_US << nap : NAP_MAX_US;
		libfam_sleep_us(shorter(nap_us, left * 1000));
	} else if (poll(&rung, 1, (int)shorter(left, FAM_NAP_MS)) > 0) {
		(void)!read(fam->event, &rings,
			    sizeof(rings)); /* another thread may have read it */
	}
}

/* Set this node's bit: the next libfam_wake() rings it. */
static void set_waiting(struct fam *fam, uint64_t *waiters)
{
	if (fam->event >= 0)
		fam_fetch_or64(waiters, 1ULL << ((fam->peer - 1) & 63));
}

/* Return whether to continue spinning; `end` is 0 at first. */
static bool spin(int64_t *end)
{
	int64_t now = libfam_now_us();
	if (!*end)
		*end = now + SPIN_US;
	__builtin_ia32_pause();
	return now < *end;
}

int libfam_await(struct fam *fam, uint64_t *waiters, int timeout, libfam_step *step, void *argument)
{
	int64_t deadline = libfam_deadline(timeout), end = 0;
	bool spins = true;
	for (unsigned naps = 0;;) {
		int result = libfam_usable(fam);
		if (!spins)
			set_waiting(fam, waiters);
		if (result == 0)
			result = step(fam, argument);
		if (result)
			return result > 0 ? 0 : result;
		if (libfam_is_over(deadline))
			return -ETIMEDOUT;
		if (spins)
			spins = spin(&end);
		else
			sleep_a_while(fam, naps++, deadline);
	}
}

void libfam_wake(struct fam *fam, uint64_t *waiters)
{
	if (fam_load64(waiters))
		libfam_ring(fam, fam_swap64(waiters, 0));
}
