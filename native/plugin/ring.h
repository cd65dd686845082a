/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a CPU's ring of events, see stream.h. */
#ifndef FAMULUS_RING_H
#define FAMULUS_RING_H

#include "shared.h"
#include "stream.h"

/* Map the ring of a node's CPU, made if there is none. NULL if that fails. */
struct fam_ring *fam_ring_open(const struct fam_fabric *, int node, unsigned cpu);
/* Publish an event; `seq` is drawn here. Waits while the ring is full and its reader lives. */
void fam_ring_put(struct fam_fabric *, struct fam_ring *, struct fam_event *);

#endif
