// SPDX-License-Identifier: GPL-2.0-or-later
/* The event: a count to wait for. */
#include "internal.h"

struct wait {
	struct fam_event *event;
	uint64_t seen;
};

static int has_moved_on(struct fam *fam, void *argument)
{
	struct wait *wait = argument;
	(void)fam;
	return fam_load64(&wait->event->count) != wait->seen;
}

uint64_t fam_event_read(struct fam_event *event)
{
	return fam_load64(&event->count);
}

int fam_event_wait(struct fam *fam, struct fam_event *event, uint64_t seen, int timeout)
{
	struct wait wait = {event, seen};
	return libfam_await(fam, &event->waiters, timeout, has_moved_on, &wait);
}

int fam_event_notify(struct fam *fam, struct fam_event *event)
{
	int result = libfam_usable(fam);
	if (result)
		return result;
	fam_fetch_add64(&event->count, 1);
	libfam_wake(fam, &event->waiters);
	return 0;
}
