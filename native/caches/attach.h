/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Give a node a cache before the node's QEMU starts, and take the cache away after QEMU has ended.
 * Both functions return the exit status. */
#ifndef FAMULUS_ATTACH_H
#define FAMULUS_ATTACH_H

#include "shared.h"

/* Count a start of the node. Unless memory is coherent, the node gets an image that is a copy of
 * the pool. */
int attach(struct shared_fabric *, const char *pool, int node);
/* Take the node's cache away; lines that are not written back are lost. */
int detach(struct shared_fabric *, int node, bool killed);

#endif
