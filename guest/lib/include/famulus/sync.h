/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks and other primitives of synchronisation, between the threads of all nodes.
 *
 * Each primitive lies in a region, aligned to 64 bytes, in lines of its own that only locked
 * instructions access. Zeros are the initial state: no initialisation is needed. The primitives
 * order memory accesses, but do not move data: invalidate protected data after locking, and write
 * them back before unlocking (flush.h), unless only locked instructions access the data.
 *
 * `timeout` is in milliseconds; 0 tries once, FAM_FOREVER waits for ever. A wait spins for 100 µs,
 * then sleeps until a doorbell rings, at most FAM_NAP_MS at a time; without a doorbell it tries
 * again every 50 µs to 5 ms. Errors of all calls: -ETIMEDOUT, -ESTALE and -ECHILD (pool.h).
 */
#ifndef FAMULUS_SYNC_H
#define FAMULUS_SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <famulus/pool.h>

#define FAM_NAP_MS  50
#define FAM_READERS 56 /* maximum of readers that hold a reader-writer lock at a time */
#define FAM_ALIGNED __attribute__((aligned(64)))

/*
 * A recovery function: with the lock held, repair the data that a dead owner left. Returns 0, or a
 * negative errno.
 */
typedef int fam_recover(void *argument);

/* Mutual exclusion that survives the owner's death. Neither recursive nor fair. */
struct fam_mutex {
	uint64_t owner; /* a member's id, or 0; bit 63: an owner died, and the data need repair */
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/*
 * Lock. -EOWNERDEAD: the mutex *is locked*, but its previous owner died: repair the protected data,
 * then call fam_mutex_consistent(). If the mutex is unlocked without that call, the next owner gets
 * -EOWNERDEAD again.
 */
int fam_mutex_lock(struct fam *fam, struct fam_mutex *mutex, int timeout);
int fam_mutex_consistent(struct fam *fam, struct fam_mutex *mutex);

/* Unlock. -EPERM: this process is not the owner. */
int fam_mutex_unlock(struct fam *fam, struct fam_mutex *mutex);

/*
 * Lock; if the previous owner died, call `hook`. If `hook` fails, unlock the mutex and return the
 * error of `hook`.
 */
int fam_mutex_lock_recover(struct fam *fam, struct fam_mutex *mutex, int timeout, fam_recover *hook,
			   void *argument);

/* Many readers or one writer. Writers go first. A dead reader's lock is released. */
struct fam_rwlock {
	struct fam_mutex writer;
	uint64_t readers[FAM_READERS];
} FAM_ALIGNED;

/*
 * Lock for reading. -EOWNERDEAD: *not* locked; a writer died, and the next owner of the write lock
 * must repair the data.
 */
int fam_rwlock_read(struct fam *fam, struct fam_rwlock *lock, int timeout);
/* As fam_mutex_lock() and fam_mutex_consistent(). */
int fam_rwlock_write(struct fam *fam, struct fam_rwlock *lock, int timeout);
int fam_rwlock_consistent(struct fam *fam, struct fam_rwlock *lock);
/* Unlock one read lock of this process, else its write lock. -EPERM: it holds neither. */
int fam_rwlock_unlock(struct fam *fam, struct fam_rwlock *lock);

/* A counting semaphore without an owner: units that a node has taken when the node dies stay taken. */
struct fam_semaphore {
	uint64_t count;
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/* Add `count` units. */
int fam_semaphore_post(struct fam *fam, struct fam_semaphore *semaphore, uint32_t count);
/* Take one unit, when there is one. */
int fam_semaphore_wait(struct fam *fam, struct fam_semaphore *semaphore, int timeout);

/* A barrier. */
struct fam_barrier {
	uint64_t state; /* rounds << 32 | parties that have arrived in this round */
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/*
 * Arrive and wait until `parties` have arrived. The last party gets 1, the others 0. A party whose
 * call returns -ETIMEDOUT has not arrived. If a party dies before it arrives, the round waits for a
 * replacement: pass a timeout. -EINVAL: `parties` is 0.
 */
int fam_barrier_wait(struct fam *fam, struct fam_barrier *barrier, uint32_t parties, int timeout);

/*
 * The same in three steps, for callers with other work between them. arrive: 1 for the last party,
 * which ends the round, else 0 and the number of the round. await: 0 when all parties of that round
 * have arrived; -ETIMEDOUT: the caller still counts as arrived, and may wait again. withdraw: 1 if
 * the caller does not count as arrived any more, 0 if all parties had arrived before.
 */
int fam_barrier_arrive(struct fam *fam, struct fam_barrier *barrier, uint32_t parties,
		       uint64_t *round);
int fam_barrier_await(struct fam *fam, struct fam_barrier *barrier, uint64_t round, int timeout);
int fam_barrier_withdraw(struct fam *fam, struct fam_barrier *barrier, uint64_t round);

/* A call that completes once for all nodes, however often a node dies during it. */
struct fam_once {
	uint64_t state; /* 0, the id of the member that runs the call, or all ones: complete */
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/*
 * Run `function`, or wait until another member has completed it. If `function` fails, the call does
 * not count as complete, and its error is returned.
 */
int fam_once(struct fam *fam, struct fam_once *once, fam_recover *function, void *argument,
	     int timeout);
/*
 * The two halves of fam_once(). begin: 1: the caller must do the work and then call end with the
 * outcome; 0: the work is complete. end: -EPERM: the caller has not begun.
 */
int fam_once_begin(struct fam *fam, struct fam_once *once, int timeout);
int fam_once_end(struct fam *fam, struct fam_once *once, bool done);

/*
 * An event count, used like a condition variable: read the count, test your condition, and if it is
 * false wait until the count differs from the value that you read. No notification between the read
 * and the wait is missed.
 */
struct fam_event {
	uint64_t count;
	uint64_t waiters;
	uint64_t unused[6];
} FAM_ALIGNED;

/* Return the count. */
uint64_t fam_event_read(struct fam_event *event);
/* Wait until the count is not `seen`. */
int fam_event_wait(struct fam *fam, struct fam_event *event, uint64_t seen, int timeout);
/* Raise the count and wake all waiters. */
int fam_event_notify(struct fam *fam, struct fam_event *event);

#endif
