// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs' code (the lower half of all addresses) calls back at each access to memory. The kernel's only where
 * it flushes caches or changes translations: what it stores is found by comparing, see shared.h. */
#include "watch.h"
#include "line.h"
#include "owed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SITES 4096 /* that are found again; QEMU translates the same code many times */

/* --- memory ---------------------------------------------------------------------------------- */

static struct translation *slot_of(struct cpu *cpu, uint64_t vaddr)
{
	return &cpu->tlb.entry[vaddr / PAGE_BYTES % TLB_ENTRIES];
}

static uint64_t look_up(qemu_plugin_meminfo_t info, uint64_t vaddr, bool *writable)
{
	struct qemu_plugin_hwaddr *found = qemu_plugin_get_hwaddr(info, vaddr);
	if (!found)
		return address_walk(&machine.ram, vaddr, writable);
	*writable = qemu_plugin_mem_is_store(info);
	if (qemu_plugin_hwaddr_is_io(found))
		return NOT_POOL;
	return address_pool_offset(&machine.ram, qemu_plugin_hwaddr_phys_addr(found));
}

static void learn(struct cpu *cpu, qemu_plugin_meminfo_t info, uint64_t vaddr)
{
	struct translation *known = slot_of(cpu, vaddr);
	uint64_t key = vaddr / PAGE_BYTES | cpu->tlb.epoch;
	bool writable = false, before = known->key == key && known->writable;
	uint64_t offset = look_up(info, vaddr, &writable);
	known->other = address_is_pool(offset) ? 0 : key;
	known->key = address_is_pool(offset) ? key : 0;
	known->offset = offset & ~(uint64_t)(PAGE_BYTES - 1);
	known->writable = writable || before;
}

static uint64_t value_of(qemu_plugin_meminfo_t info, unsigned shift)
{
	struct qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
	switch (shift) {
	case 0: return value.data.u8;
	case 1: return value.data.u16;
	case 2: return value.data.u32;
	default: return value.data.u64;
	}
}

static bool fill_in(struct cpu *cpu, struct access *a, qemu_plugin_meminfo_t info, void *low)
{
	struct translation *known = slot_of(cpu, a->vaddr);
	uint64_t key = a->vaddr / PAGE_BYTES | cpu->tlb.epoch;
	if (known->key != key || (a->kind != STREAM_LOAD && !known->writable))
		learn(cpu, info, a->vaddr);
	if (known->key != key)
		return false;
	unsigned shift = qemu_plugin_mem_size_shift(info);
	a->offset = known->offset | a->vaddr % PAGE_BYTES;
	a->size = 1u << shift;
	a->low = (unsigned)(uintptr_t)low;
	if (cpu->ring)
		a->value = value_of(info, shift);
	return true;
}

static inline bool is_other(struct cpu *cpu, uint64_t vaddr)
{
	return __builtin_expect(slot_of(cpu, vaddr)->other == (vaddr / PAGE_BYTES | cpu->tlb.epoch),
				1);
}

static __attribute__((noinline)) void pool_access(struct cpu *cpu, qemu_plugin_meminfo_t info,
						  uint64_t vaddr, void *low,
						  enum stream_event_kind kind)
{
	struct access a = {.vaddr = vaddr, .kind = kind};
	if (fill_in(cpu, &a, info, low))
		access_done(cpu, &a);
}

/* Whether there is nothing to do: the line is held, and for a store its bytes are dirty already. */
static inline bool is_settled(struct cpu *cpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
			      bool store)
{
	struct translation *known = slot_of(cpu, vaddr);
	if (!machine.quick || known->key != (vaddr / PAGE_BYTES | cpu->tlb.epoch) ||
	    vaddr % LINE_BYTES > LINE_BYTES - 16)
		return false;
	uint64_t line = (known->offset | vaddr % PAGE_BYTES) / LINE_BYTES;
	if (!__atomic_load_n(&machine.view->held[line], __ATOMIC_ACQUIRE))
		return false;
	if (!store)
		return true;
	uint64_t bytes = line_mask(vaddr % LINE_BYTES, 1u << qemu_plugin_mem_size_shift(info));
	return known->writable &&
	       (__atomic_load_n(&machine.view->dirty[line], __ATOMIC_RELAXED) & bytes) == bytes;
}

static void on_load(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(&machine.cpu[cpu], vaddr) &&
	    !is_settled(&machine.cpu[cpu], info, vaddr, false))
		pool_access(&machine.cpu[cpu], info, vaddr, low, STREAM_LOAD);
}

static void on_store(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(&machine.cpu[cpu], vaddr) &&
	    !is_settled(&machine.cpu[cpu], info, vaddr, true))
		pool_access(&machine.cpu[cpu], info, vaddr, low, STREAM_STORE);
}

static void on_nt_store(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(&machine.cpu[cpu], vaddr))
		pool_access(&machine.cpu[cpu], info, vaddr, low, STREAM_STORE_NT);
}

/* QEMU tells of the load and of the store when both are done. */
static void on_locked(unsigned number, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	struct cpu *cpu = &machine.cpu[number];
	struct access a = {.vaddr = vaddr, .kind = STREAM_LOCKED};
	if (is_other(cpu, vaddr) || !fill_in(cpu, &a, info, low))
		return;
	if (!qemu_plugin_mem_is_store(info)) {
		if (cpu->locked == NO_LINE)
			cpu->found = a.value;
		return;
	}
	a.old = cpu->found;
	locked_after(cpu, &a);
}

/* --- instructions ---------------------------------------------------------------------------- */

static void before_locked(unsigned cpu, void *site)
{
	locked_before(&machine.cpu[cpu], site);
}

static void on_flush(unsigned cpu, void *site)
{
	flush_line(&machine.cpu[cpu], site);
}

static void on_flush_all(unsigned cpu, void *site)
{
	flush_all(&machine.cpu[cpu], site);
}

static void on_fence(unsigned cpu, void *site)
{
	static const enum stream_event_kind kinds[] = {
		[OP_SFENCE] = STREAM_SFENCE,
		[OP_MFENCE] = STREAM_MFENCE,
		[OP_LFENCE] = STREAM_LFENCE,
	};
	const struct site *at = site;
	flush_fence(&machine.cpu[cpu], kinds[at->in.operation], at->low);
}

static void on_cpuid(unsigned cpu, void *site)
{
	message_receive(&machine.cpu[cpu], site);
}

static void on_translation(unsigned number, void *site)
{
	(void)site;
	struct cpu *cpu = &machine.cpu[number];
	address_forget(&cpu->tlb);
	locked_let_go(cpu);
	cpu->knows_space = false;
	mode_update();
}

static void on_return(unsigned cpu, void *site)
{
	(void)site;
	owed_pay(&machine.cpu[cpu]);
}

static void on_segment(unsigned cpu, void *site)
{
	(void)site;
	machine.cpu[cpu].knows_thread = false;
}

/* --- translation ----------------------------------------------------------------------------- */

static struct site *found_again(const struct site *wanted, struct site ***place)
{
	static struct site *known[SITES];
	const uint8_t *bytes = (const uint8_t *)wanted;
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (size_t i = 0; i < sizeof(*wanted); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	*place = &known[hash % SITES];
	return **place && !memcmp(**place, wanted, sizeof(*wanted)) ? **place : NULL;
}

/* Code that calls back with a site may run for ever: none is freed. */
static struct site *site_for(const struct site *wanted)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct site **place, *site;
	pthread_mutex_lock(&mutex);
	site = found_again(wanted, &place);
	if (!site && (site = malloc(sizeof(*site)))) {
		memcpy(site, wanted, sizeof(*site));
		*place = site;
	}
	pthread_mutex_unlock(&mutex);
	return site;
}

static qemu_plugin_vcpu_udata_cb_t callback_of(enum operation operation, bool program)
{
	switch (operation) {
	case OP_CLFLUSH:
	case OP_CLFLUSHOPT:
	case OP_CLWB: return on_flush;
	case OP_WBINVD:
	case OP_WBNOINVD: return on_flush_all;
	case OP_SFENCE:
	case OP_MFENCE:
	case OP_LFENCE: return program ? on_fence : NULL;
	case OP_CPUID: return program ? on_cpuid : NULL;
	case OP_LOCKED: return program ? before_locked : NULL;
	case OP_TRANSLATION: return on_translation;
	case OP_RETURN: return program ? NULL : on_return;
	case OP_SEGMENT: return machine.does & PLUGIN_STREAMS ? on_segment : NULL;
	default: return NULL;
	}
}

/* A program's accesses; the registers are wanted only to tell of them. */
static void watch_memory(struct qemu_plugin_insn *insn, enum operation operation, uint64_t low)
{
	enum qemu_plugin_cb_flags flags =
		machine.does & PLUGIN_STREAMS ? QEMU_PLUGIN_CB_R_REGS : QEMU_PLUGIN_CB_NO_REGS;
	void *data = (void *)(uintptr_t)low;
	if (operation == OP_LOCKED) {
		qemu_plugin_register_vcpu_mem_cb(insn, on_locked, flags, QEMU_PLUGIN_MEM_RW, data);
		return;
	}
	qemu_plugin_register_vcpu_mem_cb(insn, on_load, flags, QEMU_PLUGIN_MEM_R, data);
	qemu_plugin_register_vcpu_mem_cb(insn, operation == OP_NT_STORE ? on_nt_store : on_store,
					 flags, QEMU_PLUGIN_MEM_W, data);
}

static void watch(struct qemu_plugin_insn *insn)
{
	uint8_t code[INSTRUCTION_BYTES];
	struct site site;
	uint64_t at = qemu_plugin_insn_vaddr(insn);
	bool program = !(at >> 63);
	memset(&site, 0, sizeof(site));
	decode(&site.in, code, qemu_plugin_insn_data(insn, code, sizeof(code)));
	site.low = at % PAGE_BYTES;
	qemu_plugin_vcpu_udata_cb_t callback = callback_of(site.in.operation, program);
	if (callback)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_R_REGS,
						       site_for(&site));
	if (program)
		watch_memory(insn, site.in.operation, site.low);
}

void watch_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++)
		watch(qemu_plugin_tb_get_insn(block, i));
}
