/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a CPU's ring of events, see stream.h. */
#ifndef FAMULUS_RING_H
#define FAMULUS_RING_H

#include "shared.h"
#include "stream.h"

/* Map the ring of a node's CPU, made if there is none. NULL if that fails. */
struct stream_ring *ring_open(const struct shared_fabric *, int node, unsigned cpu);
/* Publish an event; `seq` is drawn here. Waits while the ring is full and its reader lives. */
void ring_put(struct shared_fabric *, struct stream_ring *, struct stream_event *);

#endif
