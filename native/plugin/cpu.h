/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One virtual CPU: what its loads, stores and cache instructions do to the pool. */
#ifndef FAMULUS_CPU_H
#define FAMULUS_CPU_H

#include "address.h"
#include "cache.h"
#include "ring.h"
#include "shared.h"

#define FAM_CPUS    256
#define FAM_PENDING 64

/* A write-back that the next fence will do. */
struct fam_pending {
	uint64_t line;
	bool drop;
};

struct fam_cpu {
	struct fam_tlb tlb;
	uint64_t
		locked; /* the line whose lock it has during a locked instruction, or FAM_NO_LINE */
	uint64_t found; /* what that instruction finds */
	unsigned number, pendings;
	struct fam_pending pending[FAM_PENDING];
	struct fam_ring *ring; /* NULL: nobody watches */
	bool knows_space, knows_thread;
	uint64_t space, thread;
	uint64_t fault; /* the last that was looked at, see owed.c */
} __attribute__((aligned(64)));

/* What an execution callback is told of its instruction. */
struct fam_site {
	struct fam_instruction in;
	uint16_t low; /* 12 bits of its address, see fam_pc */
};

/* The node that this process is. */
struct fam_machine {
	struct fam_fabric fabric;
	struct fam_view
		*view; /* its own; NULL: its memory is the pool itself, and it is only watched */
	struct fam_cache cache;
	struct fam_ram ram;
	uint64_t does; /* FAM_CACHES, FAM_STREAMS */
	bool quick; /* a line that is held and dirty already needs nothing more */
	struct fam_cpu cpu[FAM_CPUS];
};

extern struct fam_machine fam;

/* An access that was made. `offset` is that of its first byte. */
struct fam_access {
	uint64_t vaddr, offset, value, old;
	unsigned size, low;
	enum fam_event_kind kind;
};

typedef void fam_part(struct fam_cpu *, const struct fam_access *, uint64_t offset, unsigned size);

void fam_accessed(struct fam_cpu *, const struct fam_access *);
void fam_before_locked(struct fam_cpu *, const struct fam_site *);
void fam_after_locked(struct fam_cpu *, const struct fam_access *);
void fam_flush_line(struct fam_cpu *, const struct fam_site *);
/* Flush a line at once, told of as the instruction at `pc`. */
void fam_flush_now(struct fam_cpu *, uint64_t line, bool drop, uint64_t pc);
/* The page tables that the CPU uses: they tell processes apart. */
uint64_t fam_space(struct fam_cpu *);
void fam_flush_all(struct fam_cpu *, const struct fam_site *);
void fam_fence(struct fam_cpu *, enum fam_event_kind, unsigned low);
/* Do what was put off until a fence. */
void fam_drain(struct fam_cpu *);
/* A locked instruction that never came to its store: give its lock back. */
void fam_let_go(struct fam_cpu *);
/* cpuid: a fence, and how a program speaks to the plugin. */
void fam_cpuid(struct fam_cpu *, const struct fam_site *);
void fam_tell(struct fam_cpu *, enum fam_event_kind, uint64_t offset, unsigned low);
void fam_tell_access(struct fam_cpu *, const struct fam_access *, uint64_t offset, unsigned size);
/* Call `each` for the parts of an access within one line. */
void fam_each_part(struct fam_cpu *, const struct fam_access *, fam_part *each);
/* A part of a load or store was done: its line is held, and its bytes are dirty. */
fam_part fam_part_accessed;
/* Where an operand lies, by what the CPU is known to translate it to, or by the page tables. */
uint64_t fam_operand_offset(struct fam_cpu *, uint64_t vaddr, bool *writable);

#endif
