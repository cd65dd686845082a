/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks and the like, between the threads of all nodes.
 *
 * Each lies in a region, aligned to 64 bytes, in lines of its own that only locked instructions
 * touch; zeros are its first state, so that nobody need initialise it. They order memory, but do not
 * move it: what they protect must be invalidated after it is locked and written back before it is
 * unlocked (flush.h), unless it is itself touched by locked instructions only.
 *
 * `limit` is milliseconds; 0 tries once, FAM_FOREVER waits for ever. Waiting spins for 100 µs, then
 * sleeps until a doorbell rings, but never longer than FAM_NAP_MS at a time; without a doorbell it
 * looks again every 50 µs to 5 ms. Errors of all: -ETIMEDOUT, -ESTALE and -ECHILD (pool.h).
 */
#ifndef FAMULUS_SYNC_H
#define FAMULUS_SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <famulus/pool.h>

#define FAM_NAP_MS  50
#define FAM_READERS 56 /* that can hold a reader-writer lock at a time */
#define FAM_ALIGNED __attribute__((aligned(64)))

/* What a recovery hook does: mend what a dead owner left, with the lock held. 0, or a negative errno. */
typedef int fam_recover(void *argument);

/* Mutual exclusion that survives its owner. Not recursive, not fair. */
struct fam_mutex {
	uint64_t owner; /* a member's id, or 0; bit 63: what it protects was left half-done */
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/*
 * Lock. -EOWNERDEAD: it is *locked*, but a dead owner had it: mend what it protects and say so with
 * fam_mutex_consistent(). Unlocked without that, it tells the next one the same.
 */
int fam_mutex_lock(struct fam *fam, struct fam_mutex *mutex, int limit);
int fam_mutex_consistent(struct fam *fam, struct fam_mutex *mutex);

/* Unlock. -EPERM: it is not this process's. */
int fam_mutex_unlock(struct fam *fam, struct fam_mutex *mutex);

/* Lock, and if a dead owner had it call `hook`. If that fails it is unlocked and the error returned. */
int fam_mutex_lock_recover(struct fam *fam, struct fam_mutex *mutex, int limit, fam_recover *hook,
			   void *argument);

/* Many readers or one writer. Writers come first. A reader that dies is forgotten. */
struct fam_rwlock {
	struct fam_mutex writer;
	uint64_t readers[FAM_READERS];
} FAM_ALIGNED;

/* -EOWNERDEAD: *not* locked; a writer died, and who takes the write lock must mend what it left. */
int fam_rwlock_read(struct fam *fam, struct fam_rwlock *lock, int limit);
/* As fam_mutex_lock(). */
int fam_rwlock_write(struct fam *fam, struct fam_rwlock *lock, int limit);
int fam_rwlock_consistent(struct fam *fam, struct fam_rwlock *lock);
/* Unlock what this process has, the write lock if it has that. -EPERM: nothing. */
int fam_rwlock_unlock(struct fam *fam, struct fam_rwlock *lock);

/* A count. It has no owner: what a node has taken when it dies stays taken. */
struct fam_semaphore {
	uint64_t count;
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

int fam_semaphore_post(struct fam *fam, struct fam_semaphore *semaphore, uint32_t count);
int fam_semaphore_wait(struct fam *fam, struct fam_semaphore *semaphore, int limit);

/* A meeting point. */
struct fam_barrier {
	uint64_t state; /* rounds << 32 | who has come */
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/*
 * Wait until `parties` have come; the last one gets 1, the others 0. Who runs out of time has not
 * come. One that dies before it comes is missing until somebody comes in its place: give a limit.
 * -EINVAL: nobody is to come.
 */
int fam_barrier_wait(struct fam *fam, struct fam_barrier *barrier, uint32_t parties, int limit);

/*
 * The same in parts, for who has to look at other things meanwhile. arrive: 1 to the last one, with
 * whom it is over, else 0 and the round. await: 0 when all of that round have come; -ETIMEDOUT: one
 * still counts as come, and may wait on. withdraw: 1 if one does no longer, 0 if all had come.
 */
int fam_barrier_arrive(struct fam *fam, struct fam_barrier *barrier, uint32_t parties,
		       uint64_t *round);
int fam_barrier_await(struct fam *fam, struct fam_barrier *barrier, uint64_t round, int limit);
int fam_barrier_withdraw(struct fam *fam, struct fam_barrier *barrier, uint64_t round);

/* Something that is done once for all nodes, however often its doer dies. */
struct fam_once {
	uint64_t state; /* 0, the doer's id, or all ones: done */
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/* Run `what`, or wait until another has. If it fails it has not been done: the error is returned. */
int fam_once(struct fam *fam, struct fam_once *once, fam_recover *what, void *argument, int limit);
/* The two halves of it: 1 means do it now and then say how it went, 0 that it is done. */
int fam_once_begin(struct fam *fam, struct fam_once *once, int limit);
int fam_once_end(struct fam *fam, struct fam_once *once, bool done);

/*
 * What a condition variable is for: read the event, look at what you wait for, and if it is not so
 * wait for the event to move on from what you read. Nothing that was notified in between is missed.
 */
struct fam_event {
	uint64_t count;
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

uint64_t fam_event_read(struct fam_event *event);
int fam_event_wait(struct fam *fam, struct fam_event *event, uint64_t seen, int limit);
int fam_event_notify(struct fam *fam, struct fam_event *event);

#endif
