/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node's plugin tells of its node's accesses to the pool, and how a reader takes it.
 *
 * Each CPU of each node has a ring of its own in shared memory: one writer, one reader, no locks. The
 * events of all rings together are in one order: `seq` is drawn from one counter of the whole fabric,
 * without gaps unless a node died between drawing a number and publishing its event.
 *
 * `seq` is drawn after a load and after a plain store was done, before a write-back is pushed to the
 * pool, and under the line's lock for locked instructions. So an event that made bytes visible always
 * has a lower number than any load that saw them.
 */
#ifndef FAMULUS_STREAM_H
#define FAMULUS_STREAM_H

#include <stdint.h>

#define STREAM_MAGIC     UINT64_C(0x3153414d4d4146) /* "FAMMAS1" in memory order */
#define STREAM_VERSION   1
#define STREAM_NO_OFFSET UINT64_MAX

enum stream_event_kind {
	STREAM_NONE, /* a number that was drawn and not used; skip it */
	STREAM_LOAD, /* value: what was loaded, its first 8 bytes */
	STREAM_STORE, /* value: what was stored, its first 8 bytes */
	STREAM_STORE_NT, /* non-temporal: on its way to the pool, there at the next fence */
	STREAM_LOCKED, /* a locked instruction or xchg; value: what the word holds after it; old: before */
	STREAM_CLFLUSH, /* offset of the line for these four; visible (pushed) at this seq */
	STREAM_CLFLUSHOPT, /* ordered by the next fence of this CPU only */
	STREAM_CLWB, /* likewise; the line stays held */
	STREAM_WBINVD, /* all lines of the node */
	STREAM_SFENCE,
	STREAM_MFENCE, /* and what orders like it: cpuid, iret are not told */
	STREAM_LFENCE,
	STREAM_PUSHED, /* a delayed clwb/clflushopt/non-temporal line reached the pool now */
	STREAM_EVICTED, /* the cache's policy wrote the line back (if dirty) and dropped it */
	STREAM_PROCESS, /* value: process id, old: thread group id in the node; space: its page tables */
	STREAM_EXIT, /* that process (space) ends */
	STREAM_NODE_UP,
	STREAM_NODE_DOWN, /* value: 0 ended cleanly (everything written back), 1 was killed (dirty lines lost) */
};

struct stream_event {
	uint64_t seq;
	uint64_t pc; /* guest virtual address of the instruction; its 16 highest bits: script.h */
	uint64_t offset; /* bytes from the pool's start, or STREAM_NO_OFFSET */
	uint64_t space; /* CR3 without its flags: tells processes of a node apart */
	uint64_t thread; /* FS base: tells threads of a process apart */
	uint64_t value;
	uint64_t old;
	uint16_t size; /* bytes; an access over a page border is two events */
	uint8_t kind;
	uint8_t node; /* 1 ... 64 */
	uint8_t cpu;
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct stream_event) == 64, "an event is one cache line");

/* One ring: a file `node<k>.cpu<c>.ring` in the fabric's stream folder. Capacity is a power of two. */
struct stream_ring {
	uint64_t magic;
	uint32_t version;
	uint32_t capacity; /* events */
	uint8_t node, cpu, pad[6];
	uint64_t
		reader_pid; /* 0: nobody reads; the writer then drops what does not fit and counts it */
	uint64_t dropped;
	uint8_t pad2[24];
	_Alignas(64) uint64_t head; /* events published so far; store-release by the writer */
	_Alignas(64) uint64_t tail; /* events consumed so far; store-release by the reader */
	_Alignas(64) struct stream_event event[]; /* event[i & (capacity - 1)] */
};

#endif
