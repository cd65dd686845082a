// SPDX-License-Identifier: GPL-2.0-or-later
#include "internal.h"

struct wait {
	struct fam_event *event;
	uint64_t seen;
};

static int has_moved_on(struct fam *fam, void *what)
{
	struct wait *wait = what;
	(void)fam;
	return fam_load64(&wait->event->count) != wait->seen;
}

uint64_t fam_event_read(struct fam_event *event)
{
	return fam_load64(&event->count);
}

int fam_event_wait(struct fam *fam, struct fam_event *event, uint64_t seen, int limit)
{
	struct wait wait = {event, seen};
	return fam_await(fam, &event->waiters, limit, has_moved_on, &wait);
}

int fam_event_notify(struct fam *fam, struct fam_event *event)
{
	int result = fam_usable(fam);
	if (result)
		return result;
	fam_fetch_add64(&event->count, 1);
	fam_wake(fam, &event->waiters);
	return 0;
}
