/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One virtual CPU: what its loads, stores and cache instructions do to the pool. */
#ifndef FAMULUS_CPU_H
#define FAMULUS_CPU_H

#include "address.h"
#include "cache.h"
#include "ring.h"
#include "shared.h"

#define MAX_CPUS    256
#define MAX_PENDING 64

/* A write-back that the next fence will do. */
struct pending {
	uint64_t line;
	bool drop;
};

struct cpu {
	struct tlb tlb;
	uint64_t locked; /* the line whose lock it has during a locked instruction, or NO_LINE */
	uint64_t found; /* what that instruction finds */
	unsigned number, pendings;
	struct pending pending[MAX_PENDING];
	struct stream_ring *ring; /* NULL: nobody watches */
	bool knows_space, knows_thread;
	uint64_t space, thread;
	uint64_t fault; /* the last that was looked at, see owed.c */
} __attribute__((aligned(64)));

/* What an execution callback is told of its instruction. */
struct site {
	struct instruction in;
	uint16_t low; /* 12 bits of its address, see address_pc */
};

/* The node that this process is. */
struct machine {
	struct shared_fabric fabric;
	struct shared_view
		*view; /* its own; NULL: its memory is the pool itself, and it is only watched */
	struct cache cache;
	struct ram ram;
	uint64_t does; /* PLUGIN_CACHES, PLUGIN_STREAMS */
	bool quick; /* a line that is held and dirty already needs nothing more */
	struct cpu cpu[MAX_CPUS];
};

extern struct machine machine;

/* An access that was made. `offset` is that of its first byte. */
struct access {
	uint64_t vaddr, offset, value, old;
	unsigned size, low;
	enum stream_event_kind kind;
};

typedef void access_part(struct cpu *, const struct access *, uint64_t offset, unsigned size);

void access_done(struct cpu *, const struct access *);
void locked_before(struct cpu *, const struct site *);
void locked_after(struct cpu *, const struct access *);
void flush_line(struct cpu *, const struct site *);
/* Flush a line at once, told of as the instruction at `pc`. */
void flush_now(struct cpu *, uint64_t line, bool drop, uint64_t pc);
/* The page tables that the CPU uses: they tell processes apart. */
uint64_t cpu_space(struct cpu *);
void flush_all(struct cpu *, const struct site *);
void flush_fence(struct cpu *, enum stream_event_kind, unsigned low);
/* Do what was put off until a fence. */
void pending_drain(struct cpu *);
/* A locked instruction that never came to its store: give its lock back. */
void locked_let_go(struct cpu *);
/* cpuid: a fence, and how a program speaks to the plugin. */
void message_receive(struct cpu *, const struct site *);
void tell_event(struct cpu *, enum stream_event_kind, uint64_t offset, unsigned low);
void tell_access(struct cpu *, const struct access *, uint64_t offset, unsigned size);
/* Call `each` for the parts of an access within one line. */
void access_each_part(struct cpu *, const struct access *, access_part *each);
/* A part of a load or store was done: its line is held, and its bytes are dirty. */
access_part access_hold_part;
/* Where an operand lies, by what the CPU is known to translate it to, or by the page tables. */
uint64_t cpu_operand_offset(struct cpu *, uint64_t vaddr, bool *writable);

#endif
