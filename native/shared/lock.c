// SPDX-License-Identifier: GPL-2.0-or-later
/* An owner is a process id, the process's start time and a CPU: the kernel uses process ids
 * again. */
#include "lock.h"
#include "push.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SPINS       2000 /* until the waiting CPU yields to other processes of the host */
#define LOOK_AFTER  2000000 /* nanoseconds until the waiting CPU checks whether the owner lives */
#define STEAL_AFTER 1000000000 /* nanoseconds until a faulted CPU of this process loses its lock */

#define OWNER_PID(owner)   ((int)((owner) >> 32))
#define OWNER_TICKS(owner) ((uint32_t)(owner) >> 8)

/* The start time of process `pid` in clock ticks since boot (proc(5), field 22), its low 24 bits; 0
 * if the process is dead. */
static uint32_t start_of(int pid)
{
	char path[32], text[1024], state = 'Z';
	unsigned long long ticks = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	const char *rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			    " %*s %*s %llu",
			    &state, &ticks) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : (ticks & 0xffffff) | 1;
}

/* Computed once, because getpid(2) is a system call. No process forks after taking a lock. */
static uint64_t owner_word(unsigned cpu)
{
	static uint64_t process;
	uint64_t known = __atomic_load_n(&process, __ATOMIC_RELAXED);
	if (!known) {
		known = (uint64_t)getpid() << 32 | start_of(getpid()) << 8;
		__atomic_store_n(&process, known, __ATOMIC_RELAXED);
	}
	return known | (cpu & 0xff);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool forfeited(uint64_t owner, uint64_t waited)
{
	if (OWNER_PID(owner) == getpid() && waited > STEAL_AFTER)
		return true;
	return start_of(OWNER_PID(owner)) != OWNER_TICKS(owner);
}

static bool try_take(struct shared_slot *slot, uint64_t from, uint64_t me)
{
	return __atomic_compare_exchange_n(&slot->owner, &from, me, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void wait_for(struct shared_fabric *f, struct shared_slot *slot, uint64_t me)
{
	uint64_t began = now(), look = LOOK_AFTER;
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
		uint64_t waited = now() - began;
		if (waited < look)
			continue;
		look = waited + LOOK_AFTER;
		if (forfeited(owner, waited) && try_take(slot, owner, me)) {
			push_finish(f, slot);
			return;
		}
	}
}

void lock_line(struct shared_fabric *f, uint64_t line, unsigned cpu)
{
	struct shared_slot *slot = shared_slot(f, line);
	uint64_t me = owner_word(cpu);
	if (!try_take(slot, 0, me))
		wait_for(f, slot, me);
}

void unlock_line(struct shared_fabric *f, uint64_t line)
{
	__atomic_store_n(&shared_slot(f, line)->owner, 0, __ATOMIC_RELEASE);
}
