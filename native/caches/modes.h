/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The modes of the nodes' plugins, and the nodes' counts. All functions return the exit status. */
#ifndef FAMULUS_MODES_H
#define FAMULUS_MODES_H

#include "shared.h"

/* Set the mode, a sum of PLUGIN_CACHES and PLUGIN_STREAMS, that the host wants of a node's
 * plugin. */
int modes_ask(struct shared_fabric *, int node, uint64_t mode);
/* The same, and wait up to 20 seconds until the plugin has that mode. */
int modes_want(struct shared_fabric *, int node, uint64_t mode);
/* Let the node's CPUs wait for room in their rings, or, with `hurry`, not any more. */
int modes_hurry(struct shared_fabric *, int node, bool hurry);
/* Print a row for each node that was ever attached: number, state, mode, lines taken, written back,
 * evicted; then, for a node whose CPU waits, for whom (waits.h) and for how many seconds, else
 * twice 0. */
int modes_show(struct shared_fabric *);

#endif
