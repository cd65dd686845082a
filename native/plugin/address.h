/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a guest's registers and virtual addresses to offsets in the pool. */
#ifndef FAMULUS_ADDRESS_H
#define FAMULUS_ADDRESS_H

#include "decode.h"
#include "qemu_api.h"
#include "shared.h"

#define NOT_POOL    UINT64_MAX /* the address is mapped, but not to the pool */
#define NOT_MAPPED  (UINT64_MAX - 1) /* an access would fault */
#define TLB_ENTRIES 1024u

/* 0 to 15 are the general registers by the numbers of their encoding. */
enum register_number {
	REGISTER_RAX,
	REGISTER_RCX,
	REGISTER_RDX,
	REGISTER_RBX,
	REGISTER_RIP = 16,
	REGISTER_FS_BASE,
	REGISTER_GS_BASE,
	REGISTER_CR0,
	REGISTER_CR2,
	REGISTER_CR3,
	REGISTER_CR4,
	REGISTERS
};

/* A CPU's known translation of a page. As in a real TLB, an entry is valid until the CPU must
 * forget translations. `key` and `other`: see address_key(). */
struct translation {
	uint64_t other; /* the key of a page outside the pool */
	uint64_t key; /* the key of a page in the pool */
	uint64_t offset;
	bool writable;
};

struct tlb {
	uint64_t epoch; /* in the bits from 40 on */
	struct translation entry[TLB_ENTRIES];
};

/* The guest's RAM in this process: the mapping of a file or memfd whose path begins with `name`. */
struct ram {
	const char *name;
	uint64_t size, pool_size;
	const uint8_t *at;
};

/* Find the handles of the registers. Call once, on a vCPU's own thread. */
void address_find_registers(void);
uint64_t address_register(unsigned number);
/* The virtual address of the instruction's operand. For R_REGS callbacks only. `low_pc`: see
 * address_pc(). */
uint64_t address_operand(const struct instruction *, unsigned low_pc);
/* The address of the running instruction. QEMU shares translated code among all addresses where the
 * code is mapped; so the address is the low 12 bits at translation, and the page of the register
 * rip. */
uint64_t address_pc(unsigned low);

/* Find the RAM among this process's mappings. */
bool address_find_ram(struct ram *);
/* The pool offset to which the guest's page tables map `vaddr` now, or NOT_POOL or NOT_MAPPED.
 * `*writable`: whether a store by a program would succeed. */
uint64_t address_walk(const struct ram *, uint64_t vaddr, bool *writable);
/* The pool offset of a physical address of memory, or NOT_POOL. */
uint64_t address_pool_offset(const struct ram *, uint64_t physical);

static inline bool address_is_pool(uint64_t offset)
{
	return offset < NOT_MAPPED;
}

static inline struct translation *address_entry(struct tlb *tlb, uint64_t vaddr)
{
	return &tlb->entry[vaddr / PAGE_BYTES % TLB_ENTRIES];
}

/* The page and the epoch. */
static inline uint64_t address_key(const struct tlb *tlb, uint64_t vaddr)
{
	return vaddr / PAGE_BYTES | tlb->epoch;
}

/* The CPU forgets all translations. */
void address_forget(struct tlb *);

#endif
