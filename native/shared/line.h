/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Move a line between the pool and this node's image. The caller has the line's lock. */
#ifndef FAMULUS_LINE_H
#define FAMULUS_LINE_H

#include "shared.h"

/* The mask of `count` bytes of a line, from byte `from` on. */
static inline uint64_t line_mask(unsigned from, unsigned count)
{
	return (count >= LINE_BYTES ? UINT64_MAX : (UINT64_C(1) << count) - 1) << from;
}

/* Have node `self` hold the line. */
void line_hold(struct shared_fabric *, struct shared_view *, uint64_t line);

/* Bring the bytes that `self` has stored into the line to the pool. The node still holds the line.
 * Returns the mask of these bytes. */
uint64_t line_write_back(struct shared_fabric *, struct shared_view *, uint64_t line);

/* The same, and node `self` no longer holds the line: the node's image has the pool's bytes. */
uint64_t line_drop(struct shared_fabric *, struct shared_view *, uint64_t line);

#endif
