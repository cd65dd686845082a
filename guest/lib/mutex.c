// SPDX-License-Identifier: GPL-2.0-or-later
/* The mutex: one word has the owner's id and the mark of an owner's death. */
#include "internal.h"

#include <errno.h>

static int try_lock(struct fam *fam, void *argument)
{
	struct fam_mutex *mutex = argument;
	uint64_t found = 0;
	if (fam_cas64(&mutex->owner, &found, fam->id))
		return 1;
	uint64_t owner = found & ~FAM_HALF_DONE;
	if (owner && !libfam_is_dead(fam, owner))
		return 0;
	return fam_cas64(&mutex->owner, &found, fam->id | FAM_HALF_DONE) ? -EOWNERDEAD : 0;
}

int fam_mutex_lock(struct fam *fam, struct fam_mutex *mutex, int timeout)
{
	return libfam_await(fam, &mutex->waiters, timeout, try_lock, mutex);
}

int fam_mutex_consistent(struct fam *fam, struct fam_mutex *mutex)
{
	uint64_t found = fam->id | FAM_HALF_DONE;
	int result = libfam_usable(fam);
	if (result)
		return result;
	return fam_cas64(&mutex->owner, &found, fam->id) || found == fam->id ? 0 : -EPERM;
}

/* A mutex that is unlocked without repair keeps FAM_HALF_DONE. */
int fam_mutex_unlock(struct fam *fam, struct fam_mutex *mutex)
{
	uint64_t found = fam->id;
	int result = libfam_usable(fam);
	if (result)
		return result;
	bool done = fam_cas64(&mutex->owner, &found, 0);
	if (!done && found == (fam->id | FAM_HALF_DONE))
		done = fam_cas64(&mutex->owner, &found, FAM_HALF_DONE);
	if (done)
		libfam_wake(fam, &mutex->waiters);
	return done ? 0 : -EPERM;
}

int fam_mutex_lock_recover(struct fam *fam, struct fam_mutex *mutex, int timeout, fam_recover *hook,
			   void *argument)
{
	int result = fam_mutex_lock(fam, mutex, timeout);
	if (result != -EOWNERDEAD)
		return result;
	result = hook(argument);
	if (result == 0)
		return fam_mutex_consistent(fam, mutex);
	fam_mutex_unlock(fam, mutex);
	return result;
}

int libfam_mutex_lock_any(struct fam *fam, struct fam_mutex *mutex, int timeout)
{
	int result = fam_mutex_lock(fam, mutex, timeout);
	return result == -EOWNERDEAD ? fam_mutex_consistent(fam, mutex) : result;
}
