/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving lines between the pool and the images of the nodes. The caller has the line's lock, unless a
 * function says otherwise. */
#ifndef FAMULUS_LINE_H
#define FAMULUS_LINE_H

#include "shared.h"

/* The bits of a line's bytes `from` to `from + count`. */
static inline uint64_t line_mask(unsigned from, unsigned count)
{
	return (count >= LINE_BYTES ? UINT64_MAX : (UINT64_C(1) << count) - 1) << from;
}

/* Have node `self` hold the line. */
void line_hold(struct shared_fabric *, struct shared_view *, uint64_t line);

/* Bring what `self` has stored into the line to the pool; it goes on holding it. Returns which bytes. */
uint64_t line_write_back(struct shared_fabric *, struct shared_view *, uint64_t line);

/* The same, and `self` holds it no more: its image has what the pool has. */
uint64_t line_drop(struct shared_fabric *, struct shared_view *, uint64_t line);

/* Bring those of the 64 bytes `data` that `mask` names to the pool, and to the images of all other nodes
 * that do not hold the line. */
void push_line(struct shared_fabric *, uint64_t line, const uint8_t *data, uint64_t mask);

/* Finish what the slot's dead owner was pushing. */
void push_finish(struct shared_fabric *, struct shared_slot *);

/* Write back, or drop, every line of `self` that needs it. Takes locks itself. */
uint64_t sweep_lines(struct shared_fabric *, struct shared_view *, unsigned cpu, bool drop);

#endif
