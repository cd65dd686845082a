/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The effect of a load or a store on the pool and on the node's cache. */
#ifndef FAMULUS_ACCESS_H
#define FAMULUS_ACCESS_H

#include "cpu.h"

/* A part of an access that lies within one line. */
typedef void access_part(struct cpu *, const struct access *, uint64_t offset, unsigned size);

/* The CPU has made the access, which is no locked instruction's. */
void access_done(struct cpu *, const struct access *);
/* Call `each` for each part of the access that lies in the pool. */
void access_each_part(struct cpu *, const struct access *, access_part *each);
/* The node holds the part's line; unless the access is a load, the part's bytes are dirty. */
access_part access_hold_part;

#endif
