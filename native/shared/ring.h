/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write events into a CPU's ring, see stream.h. */
#ifndef FAMULUS_RING_H
#define FAMULUS_RING_H

#include "shared.h"
#include "stream.h"

/* Map the ring of a node's CPU; create the ring's file if there is none. Returns NULL on an
 * error. */
struct stream_ring *ring_open(const struct shared_fabric *, int node, unsigned cpu);
/* Draw the event's `seq` and publish the event. Waits while the ring is full and its reader
 * lives. */
void ring_put(struct shared_fabric *, struct stream_ring *, struct stream_event *);

#endif
