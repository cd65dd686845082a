// SPDX-License-Identifier: GPL-2.0-or-later
/* An owner is a process (identity.h) and a CPU. */
#include "lock.h"
#include "identity.h"
#include "push.h"
#include "waits.h"

#include <sched.h>
#include <unistd.h>

#define SPINS       2000 /* until the waiting CPU yields to other processes of the host */
#define LOOK_AFTER  2000000 /* nanoseconds until the waiting CPU checks whether the owner lives */
#define STEAL_AFTER 1000000000 /* nanoseconds until a faulted CPU of this process loses its lock */

/* Computed once, because getpid(2) is a system call. No process forks after taking a lock. */
static uint64_t owner_word(unsigned cpu)
{
	static uint64_t process;
	uint64_t known = __atomic_load_n(&process, __ATOMIC_RELAXED);
	if (!known) {
		known = identity_self();
		__atomic_store_n(&process, known, __ATOMIC_RELAXED);
	}
	return known | (cpu & 0xff);
}

static bool forfeited(uint64_t owner, uint64_t waited)
{
	if (identity_pid(owner) == getpid() && waited > STEAL_AFTER)
		return true;
	return !identity_lives(owner);
}

/* The node whose process owns the lock, or the host. */
static unsigned node_of(const struct shared_fabric *f, uint64_t owner)
{
	for (unsigned k = 1; k <= MAX_NODES; k++)
		if (f->control->node[k].pid == (uint64_t)identity_pid(owner))
			return k;
	return WAITS_HOST;
}

static bool try_take(struct shared_slot *slot, uint64_t from, uint64_t me)
{
	return __atomic_compare_exchange_n(&slot->owner, &from, me, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void wait_for(struct shared_fabric *f, struct shared_slot *slot, uint64_t me)
{
	uint64_t began = waits_now(), look = LOOK_AFTER;
	for (unsigned spins = 1;; spins++) {
		uint64_t owner = __atomic_load_n(&slot->owner, __ATOMIC_RELAXED);
		if (!owner) {
			if (try_take(slot, 0, me))
				return;
			continue;
		}
		__builtin_ia32_pause();
		if (spins % SPINS)
			continue;
		sched_yield();
		uint64_t waited = waits_now() - began;
		if (waited < look)
			continue;
		look = waited + LOOK_AFTER;
		if (forfeited(owner, waited) && try_take(slot, owner, me)) {
			push_finish(f, slot);
			return;
		}
		waits_say(f, node_of(f, owner), began);
	}
}

void lock_line(struct shared_fabric *f, uint64_t line, unsigned cpu)
{
	struct shared_slot *slot = shared_slot(f, line);
	uint64_t me = owner_word(cpu);
	if (try_take(slot, 0, me))
		return;
	wait_for(f, slot, me);
	waits_end(f);
}

void unlock_line(struct shared_fabric *f, uint64_t line)
{
	__atomic_store_n(&shared_slot(f, line)->owner, 0, __ATOMIC_RELEASE);
}
