/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock for each line, between processes that may die at any time. Lines share LOCK_SLOTS
 * slots. */
#ifndef FAMULUS_LOCK_H
#define FAMULUS_LOCK_H

#include "shared.h"

/* Take the lock of `line` for CPU `cpu` of this process. If the owner is dead, the lock is taken
 * over, and a push that the owner had begun is finished. */
void lock_line(struct shared_fabric *, uint64_t line, unsigned cpu);
void unlock_line(struct shared_fabric *, uint64_t line);

#endif
