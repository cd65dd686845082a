/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events that a node's plugin writes about the node's accesses to the pool, and how a reader
 * takes them.
 *
 * Each CPU of each node has a ring of its own in shared memory: one writer, one reader, no locks.
 * All rings together have one order: `seq` is drawn from one counter of the whole fabric.
 *
 * **A number without an event is a lost event.** A writer that finds no room draws a number all the
 * same, and a node may die between drawing a number and publishing the event. A writer sets `draws`
 * of its ring before it draws a number, and clears `draws` after it has published the event. So if
 * an event has a greater number than the next one, no ring of a living writer has `draws` set, and
 * no ring has the number then, the event is lost.
 *
 * `seq` is drawn after a load and after a plain store, before a write-back is pushed to the pool,
 * and under the line's lock for a locked instruction. So an event that made bytes visible always
 * has a lower number than any load that saw these bytes.
 */
#ifndef FAMULUS_STREAM_H
#define FAMULUS_STREAM_H

#include <stdint.h>

#define STREAM_MAGIC     UINT64_C(0x3153414d4d4146) /* "FAMMAS1" in memory order */
#define STREAM_VERSION   2
#define STREAM_NO_OFFSET UINT64_MAX

enum stream_event_kind {
	STREAM_NONE, /* no event: a reader skips the entry */
	STREAM_LOAD, /* value: the first 8 bytes that were loaded */
	STREAM_STORE, /* value: the first 8 bytes that were stored */
	STREAM_STORE_NT, /* non-temporal: the bytes reach the pool at the CPU's next fence */
	STREAM_LOCKED, /* or xchg; value: the word afterwards; old: the word before */
	STREAM_CLFLUSH, /* offset: the line's, also of the next two; CLFLUSH: pushed at this seq */
	STREAM_CLFLUSHOPT, /* ordered by the next fence of this CPU only */
	STREAM_CLWB, /* likewise; the node still holds the line */
	STREAM_WBINVD, /* all lines of the node */
	STREAM_SFENCE,
	STREAM_MFENCE, /* other instructions that order, as cpuid and iret, have no event */
	STREAM_LFENCE,
	STREAM_PUSHED, /* now: the line of an earlier clwb, clflushopt or non-temporal store */
	STREAM_EVICTED, /* the cache wrote the line back if dirty, and dropped the line */
	STREAM_PROCESS, /* value: process id, old: thread group id; space: the process's */
	STREAM_EXIT, /* the process with this space ends */
	STREAM_NODE_UP,
	STREAM_NODE_DOWN, /* value: 0 shut down, lines written back; 1 killed, dirty lines lost */
};

struct stream_event {
	uint64_t seq;
	uint64_t pc; /* the instruction's virtual address; the 16 highest bits: see script.h */
	uint64_t offset; /* bytes from the pool's start, or STREAM_NO_OFFSET */
	uint64_t space; /* CR3 without flags: identifies a process of a node */
	uint64_t thread; /* FS base: identifies a thread of a process */
	uint64_t value;
	uint64_t old;
	uint16_t size; /* bytes; an access that crosses a page border is two events */
	uint8_t kind;
	uint8_t node; /* 1 ... 64 */
	uint8_t cpu;
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct stream_event) == 64, "an event is one cache line");

/* One ring: a file `node<k>.cpu<c>.ring` in the fabric's stream folder. Capacity is a power of
 * two. */
struct stream_ring {
	uint64_t magic;
	uint32_t version;
	uint32_t capacity; /* events */
	uint8_t node, cpu, pad[6];
	uint64_t writer; /* the writer's process, see identity.h */
	uint64_t draws; /* 1: an event may get a number, or has one that is not published yet */
	uint64_t lost; /* the last number of an event that found no room, plus 1; 0: none */
	uint8_t pad2[16];
	_Alignas(64) uint64_t head; /* count of published events; the writer stores with release */
	_Alignas(64) uint64_t tail; /* count of consumed events; the reader stores with release */
	_Alignas(64) struct stream_event event[]; /* event[i & (capacity - 1)] */
};

/* The reader of all rings: the file `reader.state` in the same folder, zeros at first. The reader
 * registers before the nodes write events. */
struct stream_reader {
	uint64_t process; /* see identity.h; 0: there is no reader */
	uint64_t waits; /* 1: writers wait for room while the reader lives; 0: they lose events */
	uint64_t rings; /* how often a ring was opened: the reader looks for rings on a change */
	uint64_t missing; /* the node that holds the next number for over a second, see `draws` */
};

#endif
