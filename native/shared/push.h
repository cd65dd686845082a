/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bring bytes of a line to the pool, and to the images of the nodes that do not hold the line. The
 * caller has the line's lock. */
#ifndef FAMULUS_PUSH_H
#define FAMULUS_PUSH_H

#include "shared.h"

/* Push the bytes of `data`, a whole line, that `mask` names. The node `self` gets none: its image
 * has them. */
void push_line(struct shared_fabric *, uint64_t line, const uint8_t *data, uint64_t mask);

/* Finish the push that the slot's owner had begun before the owner died. */
void push_finish(struct shared_fabric *, struct shared_slot *);

#endif
