// SPDX-License-Identifier: GPL-2.0-or-later
/* A call that completes once: one word has the id of the member that runs the call. */
#include "internal.h"

#include <errno.h>

#define DONE UINT64_MAX

struct begin {
	struct fam_once *once;
	bool mine;
};

static int try_begin(struct fam *fam, void *argument)
{
	struct begin *begin = argument;
	uint64_t found = fam_load64(&begin->once->state);
	if (found == DONE)
		return 1;
	if (found && !libfam_is_dead(fam, found))
		return 0;
	begin->mine = fam_cas64(&begin->once->state, &found, fam->id);
	return begin->mine;
}

int fam_once_begin(struct fam *fam, struct fam_once *once, int timeout)
{
	struct begin begin = {once, false};
	int result = libfam_await(fam, &once->waiters, timeout, try_begin, &begin);
	return result ? result : begin.mine;
}

int fam_once_end(struct fam *fam, struct fam_once *once, bool done)
{
	uint64_t found = fam->id;
	int result = libfam_usable(fam);
	if (result)
		return result;
	if (!fam_cas64(&once->state, &found, done ? DONE : 0))
		return -EPERM;
	libfam_wake(fam, &once->waiters);
	return 0;
}

int fam_once(struct fam *fam, struct fam_once *once, fam_recover *function, void *argument,
	     int timeout)
{
	int result = fam_once_begin(fam, once, timeout);
	if (result != 1)
		return result;
	result = function(argument);
	int ended = fam_once_end(fam, once, result == 0);
	return result ? result : ended;
}
