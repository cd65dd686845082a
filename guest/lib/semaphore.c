// SPDX-License-Identifier: GPL-2.0-or-later
/* The semaphore: one count. */
#include "internal.h"

static int try_take(struct fam *fam, void *argument)
{
	struct fam_semaphore *semaphore = argument;
	uint64_t count = fam_load64(&semaphore->count);
	(void)fam;
	while (count)
		if (fam_cas64(&semaphore->count, &count, count - 1))
			return 1;
	return 0;
}

int fam_semaphore_wait(struct fam *fam, struct fam_semaphore *semaphore, int timeout)
{
	return libfam_await(fam, &semaphore->waiters, timeout, try_take, semaphore);
}

int fam_semaphore_post(struct fam *fam, struct fam_semaphore *semaphore, uint32_t count)
{
	int result = libfam_usable(fam);
	if (result)
		return result;
	fam_fetch_add64(&semaphore->count, count);
	libfam_wake(fam, &semaphore->waiters);
	return 0;
}
