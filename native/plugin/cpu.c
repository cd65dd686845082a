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

uint64_t cpu_space(struct cpu *cpu)
{
	if (!cpu->knows_space)
		cpu->space = address_register(REGISTER_CR3) & ~UINT64_C(0xfff);
	cpu->knows_space = true;
	return cpu->space;
}

static uint64_t thread_of(struct cpu *cpu)
{
	if (!cpu->knows_thread)
		cpu->thread = address_register(REGISTER_FS_BASE);
	cpu->knows_thread = true;
	return cpu->thread;
}

static void put_at(struct cpu *cpu, struct stream_event *event, uint64_t pc)
{
	event->space = cpu_space(cpu);
	event->thread = thread_of(cpu);
	event->pc = script_pc(event->space, event->thread, pc);
	event->node = (uint8_t)machine.fabric.self;
	event->cpu = (uint8_t)cpu->number;
	ring_put(&machine.fabric, cpu->ring, event);
}

static void put(struct cpu *cpu, struct stream_event *event, unsigned low)
{
	put_at(cpu, event, address_pc(low));
}

void tell_event(struct cpu *cpu, enum stream_event_kind kind, uint64_t offset, unsigned low)
{
	struct stream_event event = {.kind = kind, .offset = offset};
	if (cpu->ring)
		put(cpu, &event, low);
}

void tell_access(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	struct stream_event event = {.kind = a->kind, .offset = offset, .size = (uint16_t)size};
	event.value = a->value;
	event.old = a->old;
	if (cpu->ring)
		put(cpu, &event, a->low);
}

static void tell_process(struct cpu *cpu, enum stream_event_kind kind, const struct site *site)
{
	struct stream_event event = {.kind = kind, .offset = STREAM_NO_OFFSET};
	event.value = (uint32_t)address_register(RBX);
	event.old = (uint32_t)address_register(RCX);
	script_ends(cpu_space(cpu));
	put(cpu, &event, site->low);
}

/* Where a script is at is no event, and orders nothing. */
void message_receive(struct cpu *cpu, const struct site *site)
{
	uint32_t said = (uint32_t)address_register(RAX);
	if (said == SAYS_LINE) {
		if (cpu->ring)
			script_runs(cpu_space(cpu), thread_of(cpu),
				    (uint32_t)address_register(RBX));
		return;
	}
	pending_drain(cpu);
	if (cpu->ring && said == SAYS_PROCESS)
		tell_process(cpu, STREAM_PROCESS, site);
	else if (cpu->ring && said == SAYS_EXIT)
		tell_process(cpu, STREAM_EXIT, site);
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool holds(uint64_t line)
{
	return __atomic_load_n(&machine.view->held[line], __ATOMIC_ACQUIRE);
}

/* Write the line back; with `drop` the node then holds it no more. */
static void give_up(struct cpu *cpu, uint64_t line, bool drop)
{
	lock_line(&machine.fabric, line, cpu->number);
	(drop ? line_drop : line_write_back)(&machine.fabric, machine.view, line);
	unlock_line(&machine.fabric, line);
	if (drop)
		cache_forget(&machine.cache, line);
}

static void evict(struct cpu *cpu, uint64_t line)
{
	if (!holds(line))
		return;
	tell_event(cpu, STREAM_EVICTED, line * LINE_BYTES, 0);
	lock_line(&machine.fabric, line, cpu->number);
	line_drop(&machine.fabric, machine.view, line);
	unlock_line(&machine.fabric, line);
	__atomic_fetch_add(&machine.fabric.control->node[machine.fabric.self].evicted, 1,
			   __ATOMIC_RELAXED);
}

static void use(struct cpu *cpu, uint64_t line)
{
	uint64_t victim = cache_use(&machine.cache, line);
	if (victim != NO_LINE)
		evict(cpu, victim);
}

static void take(struct cpu *cpu, uint64_t line, uint64_t dirty)
{
	lock_line(&machine.fabric, line, cpu->number);
	line_hold(&machine.fabric, machine.view, line);
	__atomic_fetch_or(&machine.view->dirty[line], dirty, __ATOMIC_ACQ_REL);
	unlock_line(&machine.fabric, line);
	__atomic_fetch_add(&machine.fabric.control->node[machine.fabric.self].held, 1,
			   __ATOMIC_RELAXED);
	use(cpu, line);
}

static void touch(struct cpu *cpu, uint64_t line, uint64_t dirty)
{
	uint64_t *known = &machine.view->dirty[line];
	if (!holds(line)) {
		take(cpu, line, dirty);
		return;
	}
	if ((__atomic_load_n(known, __ATOMIC_RELAXED) & dirty) != dirty)
		__atomic_fetch_or(known, dirty, __ATOMIC_ACQ_REL);
	if (machine.cache.policy == EVICT_LRU)
		use(cpu, line);
}

/* Those beyond a page's end lie elsewhere. */
void access_each_part(struct cpu *cpu, const struct access *a, access_part *each)
{
	uint64_t offset = a->offset;
	bool writable;
	for (unsigned done = 0, size; done < a->size; done += size) {
		unsigned room = LINE_BYTES - (unsigned)(offset % LINE_BYTES), left = a->size - done;
		size = left < room ? left : room;
		if (address_is_pool(offset))
			each(cpu, a, offset, size);
		offset = (a->vaddr + done + size) % PAGE_BYTES || size == left
				 ? offset + size
				 : address_walk(&machine.ram, a->vaddr + done + size, &writable);
	}
}

void access_hold_part(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	uint64_t bytes = line_mask(offset % LINE_BYTES, size);
	touch(cpu, offset / LINE_BYTES, a->kind == STREAM_LOAD ? 0 : bytes);
}

/* --- write-backs ----------------------------------------------------------------------------- */

static void do_pending(struct cpu *cpu, const struct pending *one)
{
	tell_event(cpu, STREAM_PUSHED, one->line * LINE_BYTES, 0);
	if (machine.view)
		give_up(cpu, one->line, one->drop);
}

void pending_drain(struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->pendings; i++)
		do_pending(cpu, &cpu->pending[i]);
	cpu->pendings = 0;
}

static bool is_pending(struct cpu *cpu, uint64_t line, bool drop)
{
	for (unsigned i = 0; i < cpu->pendings; i++)
		if (cpu->pending[i].line == line) {
			cpu->pending[i].drop |= drop;
			return true;
		}
	return false;
}

/* Beyond what a CPU can put off, the oldest is done. */
static void put_off(struct cpu *cpu, uint64_t line, bool drop)
{
	if (is_pending(cpu, line, drop))
		return;
	if (cpu->pendings == MAX_PENDING) {
		do_pending(cpu, &cpu->pending[0]);
		cpu->pendings--;
		for (unsigned i = 0; i < cpu->pendings; i++)
			cpu->pending[i] = cpu->pending[i + 1];
	}
	cpu->pending[cpu->pendings++] = (struct pending){line, drop};
}

static void tell_part(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	tell_access(cpu, a, offset, size);
}

static void part_put_off(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	(void)a, (void)size;
	put_off(cpu, offset / LINE_BYTES, true);
}

/* An access within a page is one event, whatever lines it touches. */
static void tell_whole(struct cpu *cpu, const struct access *a)
{
	if (!cpu->ring)
		return;
	if (a->vaddr % PAGE_BYTES + a->size > PAGE_BYTES)
		access_each_part(cpu, a, tell_part);
	else
		tell_access(cpu, a, a->offset, a->size);
}

void access_done(struct cpu *cpu, const struct access *a)
{
	tell_whole(cpu, a);
	if (machine.view)
		access_each_part(cpu, a, access_hold_part);
	if (a->kind == STREAM_STORE_NT)
		access_each_part(cpu, a, part_put_off);
}

/* --- cache instructions ---------------------------------------------------------------------- */

static uint64_t key_of(const struct cpu *cpu, uint64_t vaddr)
{
	return vaddr / PAGE_BYTES | cpu->tlb.epoch;
}

uint64_t cpu_operand_offset(struct cpu *cpu, uint64_t vaddr, bool *writable)
{
	struct translation *known = &cpu->tlb.entry[vaddr / PAGE_BYTES % TLB_ENTRIES];
	if (known->other == key_of(cpu, vaddr))
		return NOT_POOL;
	if (known->key != key_of(cpu, vaddr) || (writable && !known->writable)) {
		bool can;
		uint64_t offset = address_walk(&machine.ram, vaddr, &can);
		if (writable)
			*writable = can;
		return offset;
	}
	if (writable)
		*writable = true;
	return known->offset | vaddr % PAGE_BYTES;
}

void flush_line(struct cpu *cpu, const struct site *site)
{
	static const enum stream_event_kind kinds[] = {
		[OP_CLFLUSH] = STREAM_CLFLUSH,
		[OP_CLFLUSHOPT] = STREAM_CLFLUSHOPT,
		[OP_CLWB] = STREAM_CLWB,
	};
	uint64_t vaddr = address_operand(&site->in, site->low);
	uint64_t offset = cpu_operand_offset(cpu, vaddr, NULL);
	if (offset == NOT_MAPPED && !(vaddr >> 63))
		owed_add(cpu, site, vaddr);
	if (!address_is_pool(offset))
		return;
	uint64_t line = offset / LINE_BYTES;
	tell_event(cpu, kinds[site->in.operation], line * LINE_BYTES, site->low);
	if (site->in.operation != OP_CLFLUSH)
		put_off(cpu, line, site->in.operation == OP_CLFLUSHOPT);
	else if (machine.view)
		give_up(cpu, line, true);
}

void flush_now(struct cpu *cpu, uint64_t line, bool drop, uint64_t pc)
{
	struct stream_event event = {.kind = drop ? STREAM_CLFLUSH : STREAM_CLWB,
				     .offset = line * LINE_BYTES};
	if (cpu->ring)
		put_at(cpu, &event, pc);
	event = (struct stream_event){.kind = STREAM_PUSHED, .offset = line * LINE_BYTES};
	if (cpu->ring && !drop)
		put_at(cpu, &event, pc);
	if (machine.view)
		give_up(cpu, line, drop);
}

void flush_all(struct cpu *cpu, const struct site *site)
{
	pending_drain(cpu);
	tell_event(cpu, STREAM_WBINVD, STREAM_NO_OFFSET, site->low);
	if (machine.view)
		sweep_lines(&machine.fabric, machine.view, cpu->number,
			    site->in.operation == OP_WBINVD);
}

void flush_fence(struct cpu *cpu, enum stream_event_kind kind, unsigned low)
{
	if (kind != STREAM_LFENCE)
		pending_drain(cpu);
	tell_event(cpu, kind, STREAM_NO_OFFSET, low);
}
