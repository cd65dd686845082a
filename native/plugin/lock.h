/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock for each line, between processes that may die at any time. */
#ifndef FAMULUS_LOCK_H
#define FAMULUS_LOCK_H

#include "shared.h"

static inline struct fam_slot *fam_slot(const struct fam_fabric *f, uint64_t line)
{
	return &f->control->slot[line % FAM_SLOTS];
}

/* Take the lock of `line` for CPU `cpu` of this process. A dead owner's is taken over, and what it was
 * pushing is pushed. */
void fam_lock(struct fam_fabric *, uint64_t line, unsigned cpu);
void fam_unlock(struct fam_fabric *, uint64_t line);

#endif
