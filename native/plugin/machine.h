/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node that this process emulates. */
#ifndef FAMULUS_MACHINE_H
#define FAMULUS_MACHINE_H

#include "cache.h"
#include "cpu.h"
#include "shared.h"

struct machine {
	struct shared_fabric fabric;
	struct shared_view *view; /* the node's image; NULL: the pool itself is the node's memory */
	struct cache cache;
	struct ram ram;
	uint64_t does; /* a sum of PLUGIN_CACHES and PLUGIN_STREAMS */
	bool quick; /* an access to a line that is held, and for a store dirty, needs no work */
	struct cpu cpu[MAX_CPUS];
};

/* The one machine of this process. */
struct machine *this_machine(void);

/* The virtual CPU with this number. */
struct cpu *machine_cpu(unsigned number);

/* The entry of the node in the control file. */
struct shared_node *machine_node(void);

#endif
