// SPDX-License-Identifier: GPL-2.0-or-later
#include "internal.h"

#include <errno.h>

struct wait {
	struct fam_barrier *barrier;
	uint64_t round;
};

static int has_moved_on(struct fam *fam, void *what)
{
	struct wait *wait = what;
	(void)fam;
	return fam_load64(&wait->barrier->state) >> 32 != wait->round;
}

/* Come; tell whether as the last one. */
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

/* Go away again; false if the others have gone on meanwhile. */
static bool withdraw(struct wait *wait)
{
	uint64_t state = fam_load64(&wait->barrier->state);
	while (state >> 32 == wait->round && (uint32_t)state)
		if (fam_cas64(&wait->barrier->state, &state, state - 1))
			return true;
	return false;
}

int fam_barrier_wait(struct fam *fam, struct fam_barrier *barrier, uint32_t parties, int limit)
{
	struct wait wait = { barrier, 0 };
	int result = parties ? fam_usable(fam) : -EINVAL;
	if (result)
		return result;
	if (arrive(&wait, parties)) {
		fam_wake(fam, &barrier->waiters);
		return 1;
	}
	result = fam_await(fam, &barrier->waiters, limit, has_moved_on, &wait);
	return result && withdraw(&wait) ? result : 0;
}
