// SPDX-License-Identifier: GPL-2.0-or-later
#include "internal.h"

#include <errno.h>

static int try_lock(struct fam *fam, void *what)
{
	struct fam_mutex *mutex = what;
	uint64_t found = 0;
	if (fam_cas64(&mutex->owner, &found, fam->id))
		return 1;
	uint64_t owner = found & ~FAM_HALF_DONE;
	if (owner && !fam_is_dead(fam, owner))
		return 0;
	return fam_cas64(&mutex->owner, &found, fam->id | FAM_HALF_DONE) ? -EOWNERDEAD : 0;
}

int fam_mutex_lock(struct fam *fam, struct fam_mutex *mutex, int limit)
{
	return fam_await(fam, &mutex->waiters, limit, try_lock, mutex);
}

int fam_mutex_consistent(struct fam *fam, struct fam_mutex *mutex)
{
	uint64_t found = fam->id | FAM_HALF_DONE;
	int result = fam_usable(fam);
	if (result)
		return result;
	return fam_cas64(&mutex->owner, &found, fam->id) || found == fam->id ? 0 : -EPERM;
}

/* Unlocked half-done it stays half-done. */
int fam_mutex_unlock(struct fam *fam, struct fam_mutex *mutex)
{
	uint64_t found = fam->id;
	int result = fam_usable(fam);
	if (result)
		return result;
	bool done = fam_cas64(&mutex->owner, &found, 0);
	if (!done && found == (fam->id | FAM_HALF_DONE))
		done = fam_cas64(&mutex->owner, &found, FAM_HALF_DONE);
	if (done)
		fam_wake(fam, &mutex->waiters);
	return done ? 0 : -EPERM;
}

int fam_mutex_lock_recover(struct fam *fam, struct fam_mutex *mutex, int limit, fam_recover *hook,
			   void *argument)
{
	int result = fam_mutex_lock(fam, mutex, limit);
	if (result != -EOWNERDEAD)
		return result;
	result = hook(argument);
	if (result == 0)
		return fam_mutex_consistent(fam, mutex);
	fam_mutex_unlock(fam, mutex);
	return result;
}

int fam_mutex_lock_any(struct fam *fam, struct fam_mutex *mutex, int limit)
{
	int result = fam_mutex_lock(fam, mutex, limit);
	return result == -EOWNERDEAD ? fam_mutex_consistent(fam, mutex) : result;
}
