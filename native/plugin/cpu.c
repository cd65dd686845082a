// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu.h"
#include "line.h"
#include "lock.h"
#include "owed.h"
#include "script.h"

#include <string.h>

/* cpuid with one of these in eax, in user mode: a program speaks to the plugin. */
#define SAYS_PROCESS 0x46414d01u /* ebx: process, ecx: thread group */
#define SAYS_EXIT    0x46414d02u
#define SAYS_LINE    0x46414d03u /* ebx: the line of its script that the thread runs now */
enum { RAX, RCX, RDX, RBX };

/* --- events ---------------------------------------------------------------------------------- */

uint64_t fam_space(struct fam_cpu *cpu)
{
	if (!cpu->knows_space)
		cpu->space = fam_register(FAM_CR3) & ~UINT64_C(0xfff);
	cpu->knows_space = true;
	return cpu->space;
}

static uint64_t thread_of(struct fam_cpu *cpu)
{
	if (!cpu->knows_thread)
		cpu->thread = fam_register(FAM_FS_BASE);
	cpu->knows_thread = true;
	return cpu->thread;
}

static void put_at(struct fam_cpu *cpu, struct fam_event *event, uint64_t pc)
{
	event->space = fam_space(cpu);
	event->thread = thread_of(cpu);
	event->pc = fam_script_pc(event->space, event->thread, pc);
	event->node = (uint8_t)fam.fabric.self;
	event->cpu = (uint8_t)cpu->number;
	fam_ring_put(&fam.fabric, cpu->ring, event);
}

static void put(struct fam_cpu *cpu, struct fam_event *event, unsigned low)
{
	put_at(cpu, event, fam_pc(low));
}

void fam_tell(struct fam_cpu *cpu, enum fam_event_kind kind, uint64_t offset, unsigned low)
{
	struct fam_event event = {.kind = kind, .offset = offset};
	if (cpu->ring)
		put(cpu, &event, low);
}

void fam_tell_access(struct fam_cpu *cpu, const struct fam_access *a, uint64_t offset,
		     unsigned size)
{
	struct fam_event event = {.kind = a->kind, .offset = offset, .size = (uint16_t)size};
	event.value = a->value;
	event.old = a->old;
	if (cpu->ring)
		put(cpu, &event, a->low);
}

static void tell_process(struct fam_cpu *cpu, enum fam_event_kind kind, const struct fam_site *site)
{
	struct fam_event event = {.kind = kind, .offset = FAM_NO_OFFSET};
	event.value = (uint32_t)fam_register(RBX);
	event.old = (uint32_t)fam_register(RCX);
	fam_script_ends(fam_space(cpu));
	put(cpu, &event, site->low);
}

/* Where a script is at is no event, and orders nothing. */
void fam_cpuid(struct fam_cpu *cpu, const struct fam_site *site)
{
	uint32_t said = (uint32_t)fam_register(RAX);
	if (said == SAYS_LINE) {
		if (cpu->ring)
			fam_script_runs(fam_space(cpu), thread_of(cpu),
					(uint32_t)fam_register(RBX));
		return;
	}
	fam_drain(cpu);
	if (cpu->ring && said == SAYS_PROCESS)
		tell_process(cpu, FAM_EV_PROCESS, site);
	else if (cpu->ring && said == SAYS_EXIT)
		tell_process(cpu, FAM_EV_EXIT, site);
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool holds(uint64_t line)
{
	return __atomic_load_n(&fam.view->held[line], __ATOMIC_ACQUIRE);
}

/* Write the line back; with `drop` the node then holds it no more. */
static void give_up(struct fam_cpu *cpu, uint64_t line, bool drop)
{
	fam_lock(&fam.fabric, line, cpu->number);
	(drop ? fam_drop : fam_write_back)(&fam.fabric, fam.view, line);
	fam_unlock(&fam.fabric, line);
	if (drop)
		fam_cache_forget(&fam.cache, line);
}

static void evict(struct fam_cpu *cpu, uint64_t line)
{
	if (!holds(line))
		return;
	fam_tell(cpu, FAM_EV_EVICTED, line * FAM_LINE, 0);
	fam_lock(&fam.fabric, line, cpu->number);
	fam_drop(&fam.fabric, fam.view, line);
	fam_unlock(&fam.fabric, line);
	__atomic_fetch_add(&fam.fabric.control->node[fam.fabric.self].evicted, 1, __ATOMIC_RELAXED);
}

static void use(struct fam_cpu *cpu, uint64_t line)
{
	uint64_t victim = fam_cache_use(&fam.cache, line);
	if (victim != FAM_NO_LINE)
		evict(cpu, victim);
}

static void take(struct fam_cpu *cpu, uint64_t line, uint64_t dirty)
{
	fam_lock(&fam.fabric, line, cpu->number);
	fam_hold(&fam.fabric, fam.view, line);
	__atomic_fetch_or(&fam.view->dirty[line], dirty, __ATOMIC_ACQ_REL);
	fam_unlock(&fam.fabric, line);
	__atomic_fetch_add(&fam.fabric.control->node[fam.fabric.self].held, 1, __ATOMIC_RELAXED);
	use(cpu, line);
}

static void touch(struct fam_cpu *cpu, uint64_t line, uint64_t dirty)
{
	uint64_t *known = &fam.view->dirty[line];
	if (!holds(line)) {
		take(cpu, line, dirty);
		return;
	}
	if ((__atomic_load_n(known, __ATOMIC_RELAXED) & dirty) != dirty)
		__atomic_fetch_or(known, dirty, __ATOMIC_ACQ_REL);
	if (fam.cache.policy == FAM_EVICT_LRU)
		use(cpu, line);
}

/* Those beyond a page's end lie elsewhere. */
void fam_each_part(struct fam_cpu *cpu, const struct fam_access *a, fam_part *each)
{
	uint64_t offset = a->offset;
	bool writable;
	for (unsigned done = 0, size; done < a->size; done += size) {
		unsigned room = FAM_LINE - (unsigned)(offset % FAM_LINE), left = a->size - done;
		size = left < room ? left : room;
		if (fam_is_pool(offset))
			each(cpu, a, offset, size);
		offset = (a->vaddr + done + size) % FAM_PAGE || size == left
				 ? offset + size
				 : fam_walk(&fam.ram, a->vaddr + done + size, &writable);
	}
}

void fam_part_accessed(struct fam_cpu *cpu, const struct fam_access *a, uint64_t offset,
		       unsigned size)
{
	uint64_t bytes = fam_bytes(offset % FAM_LINE, size);
	touch(cpu, offset / FAM_LINE, a->kind == FAM_EV_LOAD ? 0 : bytes);
}

/* --- write-backs ----------------------------------------------------------------------------- */

static void do_pending(struct fam_cpu *cpu, const struct fam_pending *one)
{
	fam_tell(cpu, FAM_EV_PUSHED, one->line * FAM_LINE, 0);
	if (fam.view)
		give_up(cpu, one->line, one->drop);
}

void fam_drain(struct fam_cpu *cpu)
{
	for (unsigned i = 0; i < cpu->pendings; i++)
		do_pending(cpu, &cpu->pending[i]);
	cpu->pendings = 0;
}

static bool is_pending(struct fam_cpu *cpu, uint64_t line, bool drop)
{
	for (unsigned i = 0; i < cpu->pendings; i++)
		if (cpu->pending[i].line == line) {
			cpu->pending[i].drop |= drop;
			return true;
		}
	return false;
}

/* Beyond what a CPU can put off, the oldest is done. */
static void put_off(struct fam_cpu *cpu, uint64_t line, bool drop)
{
	if (is_pending(cpu, line, drop))
		return;
	if (cpu->pendings == FAM_PENDING) {
		do_pending(cpu, &cpu->pending[0]);
		cpu->pendings--;
		for (unsigned i = 0; i < cpu->pendings; i++)
			cpu->pending[i] = cpu->pending[i + 1];
	}
	cpu->pending[cpu->pendings++] = (struct fam_pending){line, drop};
}

static void tell_part(struct fam_cpu *cpu, const struct fam_access *a, uint64_t offset,
		      unsigned size)
{
	fam_tell_access(cpu, a, offset, size);
}

static void part_put_off(struct fam_cpu *cpu, const struct fam_access *a, uint64_t offset,
			 unsigned size)
{
	(void)a, (void)size;
	put_off(cpu, offset / FAM_LINE, true);
}

/* An access within a page is one event, whatever lines it touches. */
static void tell_whole(struct fam_cpu *cpu, const struct fam_access *a)
{
	if (!cpu->ring)
		return;
	if (a->vaddr % FAM_PAGE + a->size > FAM_PAGE)
		fam_each_part(cpu, a, tell_part);
	else
		fam_tell_access(cpu, a, a->offset, a->size);
}

void fam_accessed(struct fam_cpu *cpu, const struct fam_access *a)
{
	tell_whole(cpu, a);
	if (fam.view)
		fam_each_part(cpu, a, fam_part_accessed);
	if (a->kind == FAM_EV_STORE_NT)
		fam_each_part(cpu, a, part_put_off);
}

/* --- cache instructions ---------------------------------------------------------------------- */

static uint64_t key_of(const struct fam_cpu *cpu, uint64_t vaddr)
{
	return vaddr / FAM_PAGE | cpu->tlb.epoch;
}

uint64_t fam_operand_offset(struct fam_cpu *cpu, uint64_t vaddr, bool *writable)
{
	struct fam_translation *known = &cpu->tlb.entry[vaddr / FAM_PAGE % FAM_TLB];
	if (known->other == key_of(cpu, vaddr))
		return FAM_NOT_POOL;
	if (known->key != key_of(cpu, vaddr) || (writable && !known->writable)) {
		bool can;
		uint64_t offset = fam_walk(&fam.ram, vaddr, &can);
		if (writable)
			*writable = can;
		return offset;
	}
	if (writable)
		*writable = true;
	return known->offset | vaddr % FAM_PAGE;
}

void fam_flush_line(struct fam_cpu *cpu, const struct fam_site *site)
{
	static const enum fam_event_kind kinds[] = {
		[FAM_OP_CLFLUSH] = FAM_EV_CLFLUSH,
		[FAM_OP_CLFLUSHOPT] = FAM_EV_CLFLUSHOPT,
		[FAM_OP_CLWB] = FAM_EV_CLWB,
	};
	uint64_t vaddr = fam_operand(&site->in, site->low);
	uint64_t offset = fam_operand_offset(cpu, vaddr, NULL);
	if (offset == FAM_NOT_MAPPED && !(vaddr >> 63))
		fam_owe(cpu, site, vaddr);
	if (!fam_is_pool(offset))
		return;
	uint64_t line = offset / FAM_LINE;
	fam_tell(cpu, kinds[site->in.operation], line * FAM_LINE, site->low);
	if (site->in.operation != FAM_OP_CLFLUSH)
		put_off(cpu, line, site->in.operation == FAM_OP_CLFLUSHOPT);
	else if (fam.view)
		give_up(cpu, line, true);
}

void fam_flush_now(struct fam_cpu *cpu, uint64_t line, bool drop, uint64_t pc)
{
	struct fam_event event = {.kind = drop ? FAM_EV_CLFLUSH : FAM_EV_CLWB,
				  .offset = line * FAM_LINE};
	if (cpu->ring)
		put_at(cpu, &event, pc);
	event = (struct fam_event){.kind = FAM_EV_PUSHED, .offset = line * FAM_LINE};
	if (cpu->ring && !drop)
		put_at(cpu, &event, pc);
	if (fam.view)
		give_up(cpu, line, drop);
}

void fam_flush_all(struct fam_cpu *cpu, const struct fam_site *site)
{
	fam_drain(cpu);
	fam_tell(cpu, FAM_EV_WBINVD, FAM_NO_OFFSET, site->low);
	if (fam.view)
		fam_each_line(&fam.fabric, fam.view, cpu->number,
			      site->in.operation == FAM_OP_WBINVD);
}

void fam_fence(struct fam_cpu *cpu, enum fam_event_kind kind, unsigned low)
{
	if (kind != FAM_EV_LFENCE)
		fam_drain(cpu);
	fam_tell(cpu, kind, FAM_NO_OFFSET, low);
}
