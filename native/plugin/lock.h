/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock for each line, between processes that may die at any time. */
#ifndef FAMULUS_LOCK_H
#define FAMULUS_LOCK_H

#include "shared.h"

static inline struct shared_slot *lock_slot(const struct shared_fabric *f, uint64_t line)
{
	return &f->control->slot[line % LOCK_SLOTS];
}

/* Take the lock of `line` for CPU `cpu` of this process. A dead owner's is taken over, and what it was
 * pushing is pushed. */
void lock_line(struct shared_fabric *, uint64_t line, unsigned cpu);
void unlock_line(struct shared_fabric *, uint64_t line);

#endif
