/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the nodes of a fabric share beside the pool: files in one folder, mapped by every node's plugin.
 *
 *   control               struct fam_control: the policy, the nodes, a lock for each line
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

#define FAM_CONTROL_MAGIC   UINT64_C(0x3148434d4146) /* "FAMCH1" */
#define FAM_CONTROL_VERSION 2
#define FAM_LINE            64u
#define FAM_PAGE            4096u
#define FAM_MAX_NODES       64
#define FAM_SLOTS           4096u

enum fam_eviction { FAM_EVICT_NONE, FAM_EVICT_RANDOM, FAM_EVICT_LRU };

/* What a node's plugin shall do, and does. */
enum { FAM_CACHES = 1, FAM_STREAMS = 2 };

/* A node's state; the upper bits count its starts. */
enum { FAM_NODE_OFF, FAM_NODE_FILLS, FAM_NODE_RUNS, FAM_STATE_BITS = 8 };

struct fam_node {
	uint64_t state; /* starts << FAM_STATE_BITS | state */
	uint64_t wanted; /* by the host */
	uint64_t does; /* by the plugin */
	uint64_t pid; /* of its QEMU */
	uint64_t held; /* lines that it took, write-backs, evictions: for people */
	uint64_t written, evicted, unused;
};

/* The lock of the lines that fall to it. What is being pushed stands here, so that whoever finds the
 * owner dead can finish it. */
struct fam_slot {
	uint64_t owner; /* 0: free; see lock.c */
	uint64_t line;
	uint64_t mask; /* 0: nothing is being pushed */
	uint64_t unused[5];
	uint8_t data[FAM_LINE];
	uint8_t old[FAM_LINE]; /* the pool's line before */
};

struct fam_control {
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
	_Alignas(64) struct fam_node node[FAM_MAX_NODES + 1]; /* by number; 0 is the host */
	_Alignas(4096) struct fam_slot slot[FAM_SLOTS];
};

/* A node's files, mapped. */
struct fam_view {
	uint64_t start; /* of which start of the node; 0: not mapped */
	uint8_t *image, *base, *held;
	uint64_t *dirty;
};

struct fam_fabric {
	const char *folder;
	struct fam_control *control;
	uint8_t *pool;
	uint64_t size;
	int self; /* the node; 0: the host */
	struct fam_view view[FAM_MAX_NODES + 1];
};

/* Map the pool and the control file. Returns NULL, or what failed; errno says why. */
const char *fam_open_fabric(struct fam_fabric *, const char *pool, const char *folder, int self);

/* Map the files of node k if they are not those that are mapped. NULL if it is off or that fails. */
struct fam_view *fam_view(struct fam_fabric *, int k);

/* Write the path of one of a node's files; `kind` is image, base or lines. */
void fam_path(char *path, unsigned long size, const struct fam_fabric *, int k, uint64_t start,
	      const char *kind);

static inline uint64_t fam_state(const struct fam_fabric *f, int k)
{
	return __atomic_load_n(&f->control->node[k].state, __ATOMIC_ACQUIRE);
}

#endif
