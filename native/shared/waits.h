/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long waits of a node's CPUs for another process, for `famulus status`. */
#ifndef FAMULUS_WAITS_H
#define FAMULUS_WAITS_H

#include "shared.h"

/* A CPU waits for a node, by number, or for one of these. */
enum { WAITS_HOST = MAX_NODES + 1, WAITS_READER };

#define WAITS_BITS 8 /* `waits` of struct shared_node: since when << WAITS_BITS | for whom */

/* Nanoseconds of the monotonic clock. */
uint64_t waits_now(void);
/* A CPU of this node waits since `began`, waits_now() of then. Waits shorter than a second are not
 * shown. Call again and again: another CPU may end its own wait. */
void waits_say(struct shared_fabric *, unsigned whom, uint64_t began);
/* The CPU waits no more. */
void waits_end(struct shared_fabric *);
/* Return for whom the node waits, 0: for nobody; and for how many seconds. */
unsigned waits_of(const struct shared_node *, unsigned *seconds);

#endif
