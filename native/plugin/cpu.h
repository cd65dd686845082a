/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One virtual CPU of the node, and the arguments of the plugin's callbacks. */
#ifndef FAMULUS_CPU_H
#define FAMULUS_CPU_H

#include "address.h"
#include "decode.h"
#include "stream.h"

#define MAX_CPUS    256
#define MAX_PENDING 64

/* A write-back that the CPU's next fence does. */
struct pending {
	uint64_t line;
	bool drop;
};

struct cpu {
	struct tlb tlb;
	uint64_t locked; /* the line whose lock the CPU's locked instruction has, or NO_LINE */
	uint64_t found; /* the word before that instruction */
	unsigned number, pendings;
	struct pending pending[MAX_PENDING];
	struct stream_ring *ring; /* NULL: the plugin writes no events */
	bool hasty; /* events do not wait for room in the ring, for others wait for this CPU */
	bool knows_space, knows_thread;
	uint64_t space, thread;
	uint64_t fault; /* the last faulting address that was compared, see owed.c */
} __attribute__((aligned(64)));

/* The instruction of an execution callback. */
struct site {
	struct instruction in;
	uint16_t low; /* the low 12 bits of the instruction's address, see address_pc() */
};

/* An access that the CPU has made. `offset` is the offset of the first byte. */
struct access {
	uint64_t vaddr, offset, value, old;
	unsigned size, low;
	enum stream_event_kind kind;
};

/* The CPU's page tables; they identify a process. */
uint64_t cpu_space(struct cpu *);
/* The base of fs; it identifies a thread of a process. */
uint64_t cpu_thread(struct cpu *);
/* The pool offset of an operand, by the CPU's known translations or by the page tables; or NOT_POOL
 * or NOT_MAPPED. If `writable` is not NULL, a store by the program succeeds only if `*writable` is
 * set. */
uint64_t cpu_operand_offset(struct cpu *, uint64_t vaddr, bool *writable);

#endif
