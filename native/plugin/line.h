/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving lines between the pool and the images of the nodes. The caller has the line's lock, unless a
 * function says otherwise. */
#ifndef FAMULUS_LINE_H
#define FAMULUS_LINE_H

#include "shared.h"

/* The bits of a line's bytes `from` to `from + count`. */
static inline uint64_t fam_bytes(unsigned from, unsigned count)
{
	return (count >= FAM_LINE ? UINT64_MAX : (UINT64_C(1) << count) - 1) << from;
}

/* Have node `self` hold the line. */
void fam_hold(struct fam_fabric *, struct fam_view *, uint64_t line);

/* Bring what `self` has stored into the line to the pool; it goes on holding it. Returns which bytes. */
uint64_t fam_write_back(struct fam_fabric *, struct fam_view *, uint64_t line);

/* The same, and `self` holds it no more: its image has what the pool has. */
uint64_t fam_drop(struct fam_fabric *, struct fam_view *, uint64_t line);

/* Bring those of the 64 bytes `data` that `mask` names to the pool, and to the images of all other nodes
 * that do not hold the line. */
void fam_push(struct fam_fabric *, uint64_t line, const uint8_t *data, uint64_t mask);

/* Finish what the slot's dead owner was pushing. */
void fam_finish(struct fam_fabric *, struct fam_slot *);

/* Write back, or drop, every line of `self` that needs it. Takes locks itself. */
uint64_t fam_each_line(struct fam_fabric *, struct fam_view *, unsigned cpu, bool drop);

#endif
