/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the nodes of a fabric share beside the pool: files in one folder, mapped by every node's plugin.
 *
 *   control               struct shared_control: the policy, the nodes, a lock for each line
 *   node<k>.<g>.image     what node k sees as its pool: the memory of its device (as large as the pool)
 *   node<k>.<g>.base      a line that the node holds, as it was when the node took it from the pool
 *   node<k>.<g>.lines     uint64_t dirty[lines], a bit for each byte; then uint8_t held[lines]
 *   stream/               rings, see stream.h
 *
 * g counts the node's starts. All are sparse: what is not touched takes no room.
 *
 * What holds whenever nobody has the line's lock:
 *  - A line that a node does not hold is the same in its image and in the pool, except for bytes that were
 *    stored without being seen: by its kernel, by a device, or just now.
 *  - A line that it holds may differ from its base in bytes that are dirty or were stored unseen, no others.
 * So a write-back is of the dirty bytes and of all that differ.
 */
#ifndef FAMULUS_SHARED_H
#define FAMULUS_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#define CONTROL_MAGIC   UINT64_C(0x3148434d4146) /* "FAMCH1" */
#define CONTROL_VERSION 2
#define LINE_BYTES      64u
#define PAGE_BYTES      4096u
#define MAX_NODES       64
#define LOCK_SLOTS      4096u

enum shared_eviction { EVICT_NONE, EVICT_RANDOM, EVICT_LRU };

/* What a node's plugin shall do, and does. */
enum { PLUGIN_CACHES = 1, PLUGIN_STREAMS = 2 };

/* A node's state; the upper bits count its starts. */
enum { NODE_OFF, NODE_FILLS, NODE_RUNS, NODE_STATE_BITS = 8 };

struct shared_node {
	uint64_t state; /* starts << NODE_STATE_BITS | state */
	uint64_t wanted; /* by the host */
	uint64_t does; /* by the plugin */
	uint64_t pid; /* of its QEMU */
	uint64_t held; /* lines that it took, write-backs, evictions: for people */
	uint64_t written, evicted, unused;
};

/* The lock of the lines that fall to it. What is being pushed stands here, so that whoever finds the
 * owner dead can finish it. */
struct shared_slot {
	uint64_t owner; /* 0: free; see lock.c */
	uint64_t line;
	uint64_t mask; /* 0: nothing is being pushed */
	uint64_t unused[5];
	uint8_t data[LINE_BYTES];
	uint8_t old[LINE_BYTES]; /* the pool's line before */
};

struct shared_control {
	uint64_t magic;
	uint32_t version;
	uint32_t coherent; /* 1: memory stays coherent; the nodes are only watched */
	uint64_t pool_size;
	uint32_t local_atomics;
	uint32_t eviction;
	uint64_t cache_lines; /* 0: no bound */
	uint64_t seed;
	uint64_t ring_events;
	uint64_t last; /* the greatest number of a node that ever was */
	_Alignas(64) uint64_t seq;
	_Alignas(64) struct shared_node node[MAX_NODES + 1]; /* by number; 0 is the host */
	_Alignas(4096) struct shared_slot slot[LOCK_SLOTS];
};

/* A node's files, mapped. */
struct shared_view {
	uint64_t start; /* of which start of the node; 0: not mapped */
	uint8_t *image, *base, *held;
	uint64_t *dirty;
};

struct shared_fabric {
	const char *folder;
	struct shared_control *control;
	uint8_t *pool;
	uint64_t size;
	int self; /* the node; 0: the host */
	struct shared_view view[MAX_NODES + 1];
};

/* Map the pool and the control file. Returns NULL, or what failed; errno says why. */
const char *shared_open(struct shared_fabric *, const char *pool, const char *folder, int self);

/* Map the files of node k if they are not those that are mapped. NULL if it is off or that fails. */
struct shared_view *shared_view(struct shared_fabric *, int k);

/* Write the path of one of a node's files; `kind` is image, base or lines. */
void shared_path(char *path, unsigned long size, const struct shared_fabric *, int k,
		 uint64_t start, const char *kind);

static inline uint64_t shared_state(const struct shared_fabric *f, int k)
{
	return __atomic_load_n(&f->control->node[k].state, __ATOMIC_ACQUIRE);
}

#endif
