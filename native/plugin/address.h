/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a guest's registers and virtual addresses to offsets in the pool. */
#ifndef FAMULUS_ADDRESS_H
#define FAMULUS_ADDRESS_H

#include "decode.h"
#include "qemu_api.h"

#define NOT_POOL    UINT64_MAX /* mapped, and something else */
#define NOT_MAPPED  (UINT64_MAX - 1) /* an access would fault */
#define TLB_ENTRIES 1024u

enum register_number {
	REGISTER_RIP = 16,
	REGISTER_FS_BASE,
	REGISTER_GS_BASE,
	REGISTER_CR0,
	REGISTER_CR2,
	REGISTER_CR3,
	REGISTER_CR4,
	REGISTERS
};

/* What one CPU was found to translate a page to. As a real TLB's, an entry is right until the CPU is told to
 * forget it. `key` is the page and the epoch. */
struct translation {
	uint64_t other; /* the key of a page that is not the pool's */
	uint64_t key; /* of one that is */
	uint64_t offset;
	bool writable;
};

struct tlb {
	uint64_t epoch; /* above bit 40 */
	struct translation entry[TLB_ENTRIES];
};

/* Where the guest's RAM is in this process: in the file, or memfd, whose path ends with `name`. */
struct ram {
	const char *name;
	uint64_t size, pool_size;
	const uint8_t *at;
};

/* Find the registers; once, on a vCPU's own thread. */
void address_find_registers(void);
uint64_t address_register(unsigned number);
/* The operand's virtual address. R_REGS callbacks only. `page`: where the instruction lies, see address_pc. */
uint64_t address_operand(const struct instruction *, unsigned low_pc);
/* Translated code is shared by all addresses at which it is mapped. An instruction's own is found from the
 * low 12 bits that it was translated at and the register, which is within the same page. */
uint64_t address_pc(unsigned low);

bool address_find_ram(struct ram *);
/* The pool offset to which the CPU translates `vaddr` now, or one of the above; by the guest's own page tables.
 * `*writable`: whether a store by the user would succeed. */
uint64_t address_walk(const struct ram *, uint64_t vaddr, bool *writable);
/* The same of a physical address that is RAM of any kind. */
uint64_t address_pool_offset(const struct ram *, uint64_t physical);

static inline bool address_is_pool(uint64_t offset)
{
	return offset < NOT_MAPPED;
}

void address_forget(struct tlb *);

#endif
