// SPDX-License-Identifier: GPL-2.0-or-later
/* The barrier: one word has the round and the number of parties that have arrived. */
#include "internal.h"

#include <errno.h>

struct wait {
	struct fam_barrier *barrier;
	uint64_t round;
};

static int has_moved_on(struct fam *fam, void *argument)
{
	struct wait *wait = argument;
	(void)fam;
	return fam_load64(&wait->barrier->state) >> 32 != wait->round;
}

/* Arrive; return whether this party is the last one. */
static bool arrive(struct wait *wait, uint32_t parties)
{
	uint64_t state = fam_load64(&wait->barrier->state), next;
	do {
		wait->round = state >> 32;
		next = state + 1;
		if ((uint32_t)next >= parties)
			next = ((wait->round + 1) & 0xffffffff) << 32;
	} while (!fam_cas64(&wait->barrier->state, &state, next));
	return (uint32_t)next == 0;
}

int fam_barrier_arrive(struct fam *fam, struct fam_barrier *barrier, uint32_t parties,
		       uint64_t *round)
{
	struct wait wait = {barrier, 0};
	int result = parties ? libfam_usable(fam) : -EINVAL;
	if (result)
		return result;
	result = arrive(&wait, parties);
	if (result)
		libfam_wake(fam, &barrier->waiters);
	*round = wait.round;
	return result;
}

int fam_barrier_await(struct fam *fam, struct fam_barrier *barrier, uint64_t round, int timeout)
{
	struct wait wait = {barrier, round};
	return libfam_await(fam, &barrier->waiters, timeout, has_moved_on, &wait);
}

int fam_barrier_withdraw(struct fam *fam, struct fam_barrier *barrier, uint64_t round)
{
	uint64_t state = fam_load64(&barrier->state);
	(void)fam;
	while (state >> 32 == round && (uint32_t)state)
		if (fam_cas64(&barrier->state, &state, state - 1))
			return 1;
	return 0;
}

int fam_barrier_wait(struct fam *fam, struct fam_barrier *barrier, uint32_t parties, int timeout)
{
	uint64_t round;
	int result = fam_barrier_arrive(fam, barrier, parties, &round);
	if (result)
		return result;
	result = fam_barrier_await(fam, barrier, round, timeout);
	return result && fam_barrier_withdraw(fam, barrier, round) ? result : 0;
}
