// SPDX-License-Identifier: GPL-2.0-or-later
/* This process as a member: join the registry, send heartbeats, leave. */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define BEATS 8 /* heartbeats in the period after which a silent member is dead */

static unsigned forks; /* fork() calls between the first fam_open() and this process */

static void count_fork(void)
{
	forks++;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}

int libfam_usable(struct fam *fam)
{
	if (fam->forks != forks)
		return -ECHILD;
	return libfam_is_dead(fam, fam->id) ? -ESTALE : 0;
}

/* Store `described` last: then the other values belong to the generation in `described`. */
static void describe(struct fam *fam, struct libfam_slot *slot)
{
	fam_store64(&slot->node, (uint64_t)fam->node);
	fam_store64(&slot->pid, (uint64_t)getpid());
	fam_store64(&slot->start, libfam_process_start((uint64_t)getpid()));
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
		libfam_slots_raise_used(fam);
		describe(fam, fam->slot);
		return 0;
	}
	return -EUSERS;
}

static void free_slot(struct fam *fam)
{
	uint64_t state = libfam_slot_state(fam->id);
	fam_cas64(&fam->slot->state, &state,
		  state & ~1ULL); /* fails if another member has freed the slot */
}

/* Wait until the next heartbeat is due. Called with the mutex held. */
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
	while (!fam->stop && !libfam_is_dead(fam, fam->id)) {
		fam_fetch_add64(&fam->slot->beats, 1);
		libfam_slots_raise_used(fam);
		libfam_watch(fam);
		wait_for_beat(fam);
	}
	pthread_mutex_unlock(&fam->mutex);
	return NULL;
}

/* The thread blocks all signals: they belong to the program's own threads. */
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

int libfam_join(struct fam *fam)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, watch_forks);
	fam->forks = forks;
	fam->boot = libfam_boot();
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

/* A child of fork() has neither the thread nor the slot. */
void libfam_leave(struct fam *fam)
{
	if (!fam->beating || fam->forks != forks)
		return;
	stop_thread(fam);
	free_slot(fam);
}
