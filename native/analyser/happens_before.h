/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Happens-before between nodes. A node is one agent: its threads share a coherent cache, and are
 * ordered as they ran. Two kinds of event order nodes:
 *  - A locked instruction acquires the clocks that earlier locked instructions on the same word
 *    released, and releases its node's clock.
 *  - A plain load that sees another node's store acquires that node's clock at the store.
 */
#ifndef ANALYSER_HAPPENS_BEFORE_H
#define ANALYSER_HAPPENS_BEFORE_H

#include "record.h"

/* The last event that raised an element of a node's clock. */
struct edge {
	struct record store; /* the store that was seen */
	struct stream_event load; /* the load that saw the store */
	uint64_t before; /* the element until then */
};

bool hb_knows(uint8_t node, const struct record *store);
bool hb_knows_by_lock(uint8_t node, const struct record *store); /* by locked instructions alone */
const struct edge *hb_edge(uint8_t node, uint8_t of);
void hb_observe(uint8_t node, const struct record *store, const struct stream_event *load);
void hb_acquire(const struct stream_event *event);
void hb_release(const struct stream_event *event, const struct record *store); /* NULL: no store */

#endif
