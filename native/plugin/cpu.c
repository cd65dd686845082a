// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu.h"
#include "machine.h"

uint64_t cpu_space(struct cpu *cpu)
{
	if (!cpu->knows_space)
		cpu->space = address_register(REGISTER_CR3) & ~UINT64_C(0xfff);
	cpu->knows_space = true;
	return cpu->space;
}

uint64_t cpu_thread(struct cpu *cpu)
{
	if (!cpu->knows_thread)
		cpu->thread = address_register(REGISTER_FS_BASE);
	cpu->knows_thread = true;
	return cpu->thread;
}

uint64_t cpu_operand_offset(struct cpu *cpu, uint64_t vaddr, bool *writable)
{
	struct translation *known = address_entry(&cpu->tlb, vaddr);
	uint64_t key = address_key(&cpu->tlb, vaddr);
	if (known->other == key)
		return NOT_POOL;
	if (known->key != key || (writable && !known->writable)) {
		bool can;
		uint64_t offset = address_walk(&this_machine()->ram, vaddr, &can);
		if (writable)
			*writable = can;
		return offset;
	}
	if (writable)
		*writable = true;
	return known->offset | vaddr % PAGE_BYTES;
}
