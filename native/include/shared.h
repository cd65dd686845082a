/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that the nodes of a fabric share beside the pool: every node's plugin maps this folder.
 *
 *   control               struct shared_control: the policy, the nodes, the lines' locks
 *   node<k>.<g>.image     node k's view of the pool: its device's memory, as large as the pool
 *   node<k>.<g>.base      a line that the node holds, as the node took the line from the pool
 *   node<k>.<g>.lines     uint64_t dirty[lines], a bit for each byte; then uint8_t held[lines]
 *   stream/               rings, see stream.h
 *
 * g counts the node's starts. All files are sparse: pages that no process has touched take no room.
 *
 * Two invariants hold whenever no process has the line's lock:
 *  - A line that a node does not hold is the same in the node's image and in the pool, except for
 *    bytes that the plugin has not seen stored: by the node's kernel, by a device, or an instant
 *    ago.
 *  - A line that a node holds differs from the line's base only in bytes that are dirty or were
 *    stored unseen.
 * So a write-back takes the dirty bytes and all bytes that differ.
 *
 * famulus/coherence/caches.py repeats some of these constants; tests/unit/native/test_headers.py
 * compares.
 */
#ifndef FAMULUS_SHARED_H
#define FAMULUS_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#define CONTROL_MAGIC   UINT64_C(0x3148434d4146) /* "FAMCH1" */
#define CONTROL_VERSION 3
#define LINE_BYTES      64u
#define NO_LINE         UINT64_MAX
#define PAGE_BYTES      4096u
#define MAX_NODES       64
#define LOCK_SLOTS      4096u

enum shared_eviction { EVICT_NONE, EVICT_RANDOM, EVICT_LRU };

/* The tasks of a node's plugin. `wanted` and `does` of struct shared_node are sums of PLUGIN_CACHES
 * and PLUGIN_STREAMS. */
enum {
	PLUGIN_CACHES = 1, /* emulate the node's cache */
	PLUGIN_STREAMS = 2, /* write events of the node's accesses, see stream.h */
};

/* A node's state; the bits from NODE_STATE_BITS on count the node's starts. */
enum { NODE_OFF, NODE_FILLS, NODE_RUNS, NODE_STATE_BITS = 8 };

struct shared_node {
	uint64_t state; /* starts << NODE_STATE_BITS | state */
	uint64_t wanted; /* set by the host */
	uint64_t does; /* set by the plugin */
	uint64_t pid; /* of its QEMU */
	uint64_t held; /* lines that the node took; written back, evicted: for `famulus status` */
	uint64_t written, evicted;
	uint64_t waits; /* what one of the node's CPUs waits for, see waits.h; 0: nothing */
	uint64_t hurry; /* set by the host: no CPU waits for room in a ring */
	uint64_t unused[7];
};

/* The lock of all lines whose number modulo LOCK_SLOTS is the slot's. The slot also has the push
 * that its owner has begun, so that a process that finds the owner dead can finish the push. */
struct shared_slot {
	uint64_t owner; /* 0: free; see lock.c */
	uint64_t line;
	uint64_t mask; /* 0: there is no push */
	uint64_t unused[5];
	uint8_t data[LINE_BYTES];
	uint8_t old[LINE_BYTES]; /* the pool's line before */
};

struct shared_control {
	uint64_t magic;
	uint32_t version;
	uint32_t coherent; /* 1: memory stays coherent; the plugin only writes events */
	uint64_t pool_size;
	uint32_t local_atomics;
	uint32_t eviction;
	uint64_t cache_lines; /* 0: no bound */
	uint64_t seed;
	uint64_t ring_events;
	uint64_t last; /* the greatest number of all nodes so far */
	_Alignas(64) uint64_t seq;
	_Alignas(64) struct shared_node node[MAX_NODES + 1]; /* by number; 0 is the host */
	_Alignas(4096) struct shared_slot slot[LOCK_SLOTS];
};

/* A node's mapped files. */
struct shared_view {
	uint64_t start; /* the start of the node to which the files belong; 0: not mapped */
	uint8_t *image, *base, *held;
	uint64_t *dirty;
};

struct stream_reader; /* stream.h */

struct shared_fabric {
	const char *folder;
	struct shared_control *control;
	struct stream_reader *reader; /* NULL: not mapped */
	uint8_t *pool;
	uint64_t size;
	int self; /* this process's node; 0: the host */
	struct shared_view view[MAX_NODES + 1];
};

/* Map the pool and the control file. Returns NULL, or the path of the file that failed; errno has
 * the error. */
const char *shared_open(struct shared_fabric *, const char *pool, const char *folder, int self);

/* Return node k's files, of the node's last start; map them first if needed. Returns NULL if the
 * node is off or on an error. */
struct shared_view *shared_view(struct shared_fabric *, int k);

/* Write the path of one of a node's files; `kind` is image, base or lines. */
void shared_path(char *path, unsigned long size, const struct shared_fabric *, int k,
		 uint64_t start, const char *kind);

static inline uint64_t shared_state(const struct shared_fabric *f, int k)
{
	return __atomic_load_n(&f->control->node[k].state, __ATOMIC_ACQUIRE);
}

static inline struct shared_slot *shared_slot(const struct shared_fabric *f, uint64_t line)
{
	return &f->control->slot[line % LOCK_SLOTS];
}

#endif
