/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write events into a CPU's ring, see stream.h. */
#ifndef FAMULUS_RING_H
#define FAMULUS_RING_H

#include "shared.h"
#include "stream.h"

/* Map the reader's state. Returns false on an error. */
bool ring_reader(struct shared_fabric *);
/* Map the ring of a node's CPU; create the ring's file if there is none. Returns NULL on an
 * error. */
struct stream_ring *ring_open(struct shared_fabric *, int node, unsigned cpu);
/* Wait while the ring has no room but its reserve, as long as the reader lives and wants that,
 * unless the host wants no wait: see `hurry` and `wanted` of struct shared_node. Do not call with a
 * lock that others wait for. */
void ring_wait(struct shared_fabric *, const struct stream_ring *);
/* Draw the event's `seq` and publish the event, without a wait. The event may take the ring's
 * reserve, which has room for all events between two stops of a CPU; an event that finds no room is
 * lost. */
void ring_put(struct shared_fabric *, struct stream_ring *, struct stream_event *);

#endif
