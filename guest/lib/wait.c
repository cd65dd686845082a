// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How everything waits: look, spin, say that we wait, look again, sleep, and so on.
 *
 * Who changes something calls fam_wake() after it. A waiter sets its node's bit before it looks for
 * the last time, so the change is either seen or followed by a ring. A ring may be lost all the same
 * (two threads share one eventfd, a node may have died that should have rung): no sleep is longer
 * than FAM_NAP_MS.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define SPIN_US 100 /* as long as a ring takes to wake somebody: never more than twice the best */
#define NAP_MIN_US 50
#define NAP_MAX_US 5000

static long shorter(long a, long b)
{
	return a < b ? a : b;
}

/* Sleep in the round `nap` of sleeping, not past `deadline`. */
static void sleep_a_while(struct fam *fam, unsigned nap, int64_t deadline)
{
	struct pollfd rung = {.fd = fam->event, .events = POLLIN};
	long left = deadline == INT64_MAX ? FAM_NAP_MS : (long)(deadline - fam_now());
	uint64_t rings;
	if (left <= 0)
		return;
	if (fam->event < 0) {
		long nap_us = nap < 7 ? NAP_MIN_US << nap : NAP_MAX_US;
		fam_sleep_us(shorter(nap_us, left * 1000));
	} else if (poll(&rung, 1, (int)shorter(left, FAM_NAP_MS)) > 0) {
		(void)!read(fam->event, &rings,
			    sizeof(rings)); /* another thread may have been faster */
	}
}

static void say_waiting(struct fam *fam, uint64_t *waiters)
{
	if (fam->event >= 0)
		fam_fetch_or64(waiters, 1ULL << ((fam->peer - 1) & 63));
}

/* Tell whether to go on spinning; `end` is 0 at first. */
static bool spin(int64_t *end)
{
	int64_t now = fam_now_us();
	if (!*end)
		*end = now + SPIN_US;
	__builtin_ia32_pause();
	return now < *end;
}

int fam_await(struct fam *fam, uint64_t *waiters, int limit, fam_step *step, void *what)
{
	int64_t deadline = fam_deadline(limit), end = 0;
	bool spins = true;
	for (unsigned naps = 0;;) {
		int result = fam_usable(fam);
		if (!spins)
			say_waiting(fam, waiters);
		if (result == 0)
			result = step(fam, what);
		if (result)
			return result > 0 ? 0 : result;
		if (fam_is_over(deadline))
			return -ETIMEDOUT;
		if (spins)
			spins = spin(&end);
		else
			sleep_a_while(fam, naps++, deadline);
	}
}

void fam_wake(struct fam *fam, uint64_t *waiters)
{
	if (fam_load64(waiters))
		fam_ring(fam, fam_swap64(waiters, 0));
}
