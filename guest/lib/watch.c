// SPDX-License-Identifier: GPL-2.0-or-later
/* Detect dead members: those silent for too long, and processes of this node that have ended. */
#include "internal.h"

#include <errno.h>
#include <signal.h>

/* Return whether the member in `slot` is a process of this node that has certainly ended. */
static bool has_ended(struct fam *fam, struct libfam_slot *slot, uint64_t state)
{
	if (fam_load64(&slot->described) !=
	    state >> 1) /* load first: then the other values are this member's */
		return false;
	uint64_t pid = fam_load64(&slot->pid), start = fam_load64(&slot->start);
	if (fam_load64(&slot->boot) != fam->boot ||
	    fam_load64(&slot->node) != (uint64_t)fam->node || !start || (int)pid <= 0)
		return false;
	if (kill((int)pid, 0) && errno == ESRCH)
		return true;
	uint64_t found = libfam_process_start(pid);
	return found ? found != start
		     : libfam_process_start(1) != 0; /* all processes are hidden, or a zombie */
}

static bool is_silent(struct fam *fam, struct libfam_seen *seen, struct libfam_seen now)
{
	int period = __atomic_load_n(&fam->dead_after, __ATOMIC_RELAXED);
	if (seen->state == now.state && seen->beats == now.beats)
		return now.since - seen->since > period;
	*seen = now;
	return false;
}

static void look_at(struct fam *fam, unsigned index, int64_t now)
{
	struct libfam_slot *slot = &fam->slots[index];
	uint64_t state = fam_load64(&slot->state);
	if (!(state & 1) || slot == fam->slot)
		return;
	struct libfam_seen found = {state, fam_load64(&slot->beats), now};
	if (is_silent(fam, &fam->seen[index], found) || has_ended(fam, slot, state))
		fam_cas64(&slot->state, &state, state & ~1ULL);
}

/*
 * If this thread was delayed itself, the other members may have been delayed too (the host slept):
 * forget all earlier observations.
 */
void libfam_watch(struct fam *fam)
{
	int64_t now = libfam_now();
	unsigned used = libfam_slots_used(fam);
	if (now - fam->watched > __atomic_load_n(&fam->dead_after, __ATOMIC_RELAXED) / 2)
		memset(fam->seen, 0, sizeof(fam->seen));
	fam->watched = now;
	for (unsigned index = 0; index < used; index++)
		look_at(fam, index, now);
}
