// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader-writer lock. A reader stores its id in a free word, then checks for a writer; a writer
 * locks the mutex, then checks for readers. At least one of the two sees the other.
 */
#include "internal.h"

#include <errno.h>

static uint64_t *take_word(struct fam *fam, struct fam_rwlock *lock)
{
	for (unsigned i = 0; i < FAM_READERS; i++) {
		uint64_t *word = &lock->readers[i], found = fam_load64(word);
		if (found && !libfam_is_dead(fam, found))
			continue;
		if (fam_cas64(word, &found, fam->id))
			return word;
	}
	return NULL;
}

/*
 * Return the id of the writer, or 0; `died` tells whether it died with the lock. A writer that
 * unlocks and closes the pool between the two loads has not died with the lock: so load the owner
 * again.
 */
static uint64_t writer_of(struct fam *fam, struct fam_rwlock *lock, bool *died)
{
	uint64_t writer;
	do {
		writer = fam_load64(&lock->writer.owner);
		*died = writer & FAM_HALF_DONE || (writer && libfam_is_dead(fam, writer));
	} while (*died && fam_load64(&lock->writer.owner) != writer);
	return writer;
}

static int try_read(struct fam *fam, void *argument)
{
	struct fam_rwlock *lock = argument;
	bool died;
	uint64_t writer = writer_of(fam, lock, &died);
	if (died)
		return -EOWNERDEAD;
	uint64_t *word = writer ? NULL : take_word(fam, lock);
	if (!word)
		return 0;
	if (fam_load64(&lock->writer.owner) == 0)
		return 1;
	fam_store64(word, 0);
	libfam_wake(fam, &lock->writer.waiters);
	return 0;
}

int fam_rwlock_read(struct fam *fam, struct fam_rwlock *lock, int timeout)
{
	return libfam_await(fam, &lock->writer.waiters, timeout, try_read, lock);
}

/* Return 1 if no living reader is left; clear the words of dead readers. */
static int no_readers(struct fam *fam, void *argument)
{
	struct fam_rwlock *lock = argument;
	for (unsigned i = 0; i < FAM_READERS; i++) {
		uint64_t found = fam_load64(&lock->readers[i]);
		if (found && !libfam_is_dead(fam, found))
			return 0;
		if (found)
			fam_cas64(&lock->readers[i], &found, 0);
	}
	return 1;
}

int fam_rwlock_write(struct fam *fam, struct fam_rwlock *lock, int timeout)
{
	int64_t deadline = libfam_deadline(timeout);
	int locked = fam_mutex_lock(fam, &lock->writer, timeout);
	if (locked && locked != -EOWNERDEAD)
		return locked;
	int64_t left = timeout < 0 ? timeout : deadline - libfam_now();
	int result = libfam_await(fam, &lock->writer.waiters,
				  left < 0 && timeout >= 0 ? 0 : (int)left, no_readers, lock);
	if (result == 0)
		return locked;
	fam_mutex_unlock(fam, &lock->writer);
	return result;
}

int fam_rwlock_consistent(struct fam *fam, struct fam_rwlock *lock)
{
	return fam_mutex_consistent(fam, &lock->writer);
}

/* Readers first: a writer in another thread of this process may wait for this very reader. */
int fam_rwlock_unlock(struct fam *fam, struct fam_rwlock *lock)
{
	int result = libfam_usable(fam);
	for (unsigned i = 0; result == 0 && i < FAM_READERS; i++) {
		uint64_t mine = fam->id;
		if (fam_load64(&lock->readers[i]) != mine ||
		    !fam_cas64(&lock->readers[i], &mine, 0))
			continue;
		libfam_wake(fam, &lock->writer.waiters);
		return 0;
	}
	return result ? result : fam_mutex_unlock(fam, &lock->writer);
}
