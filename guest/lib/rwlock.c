// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reader puts its id into a free word, then looks whether a writer has come; a writer puts its own
 * into the mutex, then looks whether readers are left. One of the two always sees the other.
 */
#include "internal.h"

#include <errno.h>

static uint64_t *take_word(struct fam *fam, struct fam_rwlock *lock)
{
	for (unsigned i = 0; i < FAM_READERS; i++) {
		uint64_t *word = &lock->readers[i], found = fam_load64(word);
		if (found && !fam_is_dead(fam, found))
			continue;
		if (fam_cas64(word, &found, fam->id))
			return word;
	}
	return NULL;
}

/* Who has it to write, and whether it died so: one that has unlocked and closed the pool meanwhile did not. */
static uint64_t writer_of(struct fam *fam, struct fam_rwlock *lock, bool *died)
{
	uint64_t writer;
	do {
		writer = fam_load64(&lock->writer.owner);
		*died = writer & FAM_HALF_DONE || (writer && fam_is_dead(fam, writer));
	} while (*died && fam_load64(&lock->writer.owner) != writer);
	return writer;
}

static int try_read(struct fam *fam, void *what)
{
	struct fam_rwlock *lock = what;
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
	fam_wake(fam, &lock->writer.waiters);
	return 0;
}

int fam_rwlock_read(struct fam *fam, struct fam_rwlock *lock, int limit)
{
	return fam_await(fam, &lock->writer.waiters, limit, try_read, lock);
}

/* Dead readers are forgotten here. */
static int no_readers(struct fam *fam, void *what)
{
	struct fam_rwlock *lock = what;
	for (unsigned i = 0; i < FAM_READERS; i++) {
		uint64_t found = fam_load64(&lock->readers[i]);
		if (found && !fam_is_dead(fam, found))
			return 0;
		if (found)
			fam_cas64(&lock->readers[i], &found, 0);
	}
	return 1;
}

int fam_rwlock_write(struct fam *fam, struct fam_rwlock *lock, int limit)
{
	int64_t deadline = fam_deadline(limit);
	int locked = fam_mutex_lock(fam, &lock->writer, limit);
	if (locked && locked != -EOWNERDEAD)
		return locked;
	int64_t left = limit < 0 ? limit : deadline - fam_now();
	int result = fam_await(fam, &lock->writer.waiters, left < 0 && limit >= 0 ? 0 : (int)left,
			       no_readers, lock);
	if (result == 0)
		return locked;
	fam_mutex_unlock(fam, &lock->writer);
	return result;
}

int fam_rwlock_consistent(struct fam *fam, struct fam_rwlock *lock)
{
	return fam_mutex_consistent(fam, &lock->writer);
}

/* Readers first: another thread of this process may be a writer that waits for this very reader. */
int fam_rwlock_unlock(struct fam *fam, struct fam_rwlock *lock)
{
	int result = fam_usable(fam);
	for (unsigned i = 0; result == 0 && i < FAM_READERS; i++) {
		uint64_t mine = fam->id;
		if (fam_load64(&lock->readers[i]) != mine ||
		    !fam_cas64(&lock->readers[i], &mine, 0))
			continue;
		fam_wake(fam, &lock->writer.waiters);
		return 0;
	}
	return result ? result : fam_mutex_unlock(fam, &lock->writer);
}
