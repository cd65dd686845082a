// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * This process as a member: its slot, and the thread that beats in it.
 *
 * A member's id is slot + 1 << 32 | generation. Whoever frees a slot leaves its generation, and the
 * next one there takes the next: an id lives as long as the slot says that very generation, and never
 * again.
 */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define BEATS 8 /* in the time after which a silent member is dead */

unsigned fam_forks;

static void count_fork(void)
{
	fam_forks++;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}

static uint64_t state_of(uint64_t id)
{
	return (id & 0xffffffff) << 1 | 1;
}

bool fam_is_dead(struct fam *fam, uint64_t id)
{
	uint64_t index = (id >> 32) - 1;
	return index >= FAM_SLOTS || fam_load64(&fam->slots[index].state) != state_of(id);
}

int fam_usable(struct fam *fam)
{
	if (fam->forks != fam_forks)
		return -ECHILD;
	return fam_is_dead(fam, fam->id) ? -ESTALE : 0;
}

/* Scribbled over it may say anything; every beat raises it again. */
unsigned fam_slots_used(struct fam *fam)
{
	uint64_t used = fam_load64(&fam->locks->slots_used);
	return used < FAM_SLOTS ? (unsigned)used : FAM_SLOTS;
}

static void say_used(struct fam *fam)
{
	fam_fetch_max64(&fam->locks->slots_used, fam->id >> 32);
}

/* Others believe `described` last, so what stands there is about the generation that it names. */
static void describe(struct fam *fam, struct fam_slot *slot)
{
	fam_store64(&slot->node, (uint64_t)fam->node);
	fam_store64(&slot->pid, (uint64_t)getpid());
	fam_store64(&slot->start, fam_process_start((uint64_t)getpid()));
	fam_store64(&slot->boot, fam->boot);
	fam_store64(&slot->joined, (uint64_t)time(NULL));
	fam_store64(&slot->described, fam->id & 0xffffffff);
}

static int claim_slot(struct fam *fam)
{
	for (uint64_t index = 0; index < FAM_SLOTS; index++) {
		uint64_t state = fam_load64(&fam->slots[index].state);
		uint64_t generation = ((state >> 1) + 1) & 0xffffffff;
		if (state & 1 || !fam_cas64(&fam->slots[index].state, &state, generation << 1 | 1))
			continue;
		fam->id = (index + 1) << 32 | generation;
		fam->slot = &fam->slots[index];
		say_used(fam);
		describe(fam, fam->slot);
		return 0;
	}
	return -EUSERS;
}

static void free_slot(struct fam *fam)
{
	uint64_t state = state_of(fam->id);
	fam_cas64(&fam->slot->state, &state, state & ~1ULL); /* or it was freed for us */
}

/* Wait until it is time to beat. Called with the mutex held. */
static void wait_for_beat(struct fam *fam)
{
	struct timespec at;
	int every = __atomic_load_n(&fam->dead_after, __ATOMIC_RELAXED) / BEATS + 1;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += every % 1000 * 1000000L;
	at.tv_sec += every / 1000 + at.tv_nsec / 1000000000L;
	at.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&fam->stopping, &fam->mutex, &at);
}

static void *beat(void *argument)
{
	struct fam *fam = argument;
	pthread_mutex_lock(&fam->mutex);
	while (!fam->stop && !fam_is_dead(fam, fam->id)) {
		fam_fetch_add64(&fam->slot->beats, 1);
		say_used(fam);
		fam_watch(fam);
		wait_for_beat(fam);
	}
	pthread_mutex_unlock(&fam->mutex);
	return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct fam *fam)
{
	sigset_t all, before;
	pthread_condattr_t monotonic;
	pthread_mutex_init(&fam->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&fam->stopping, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&fam->thread, NULL, beat, fam);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	fam->beating = error == 0;
	return -error;
}

int fam_join(struct fam *fam)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, watch_forks);
	fam->forks = fam_forks;
	fam->boot = fam_boot();
	int result = claim_slot(fam);
	if (result == 0)
		result = start_thread(fam);
	if (result && fam->slot)
		free_slot(fam);
	return result;
}

static void stop_thread(struct fam *fam)
{
	pthread_mutex_lock(&fam->mutex);
	fam->stop = true;
	pthread_cond_signal(&fam->stopping);
	pthread_mutex_unlock(&fam->mutex);
	pthread_join(fam->thread, NULL);
	pthread_cond_destroy(&fam->stopping);
	pthread_mutex_destroy(&fam->mutex);
}

/* A child of fork() has neither the thread nor the membership. */
void fam_leave(struct fam *fam)
{
	if (!fam->beating || fam->forks != fam_forks)
		return;
	stop_thread(fam);
	free_slot(fam);
}
