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

static struct fam_translation *slot_of(struct fam_cpu *cpu, uint64_t vaddr)
{
	return &cpu->tlb.entry[vaddr / FAM_PAGE % FAM_TLB];
}

static uint64_t look_up(qemu_plugin_meminfo_t info, uint64_t vaddr, bool *writable)
{
	struct qemu_plugin_hwaddr *found = qemu_plugin_get_hwaddr(info, vaddr);
	if (!found)
		return fam_walk(&fam.ram, vaddr, writable);
	*writable = qemu_plugin_mem_is_store(info);
	if (qemu_plugin_hwaddr_is_io(found))
		return FAM_NOT_POOL;
	return fam_pool_offset(&fam.ram, qemu_plugin_hwaddr_phys_addr(found));
}

static void learn(struct fam_cpu *cpu, qemu_plugin_meminfo_t info, uint64_t vaddr)
{
	struct fam_translation *known = slot_of(cpu, vaddr);
	uint64_t key = vaddr / FAM_PAGE | cpu->tlb.epoch;
	bool writable = false, before = known->key == key && known->writable;
	uint64_t offset = look_up(info, vaddr, &writable);
	known->other = fam_is_pool(offset) ? 0 : key;
	known->key = fam_is_pool(offset) ? key : 0;
	known->offset = offset & ~(uint64_t)(FAM_PAGE - 1);
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

static bool fill_in(struct fam_cpu *cpu, struct fam_access *a, qemu_plugin_meminfo_t info,
		    void *low)
{
	struct fam_translation *known = slot_of(cpu, a->vaddr);
	uint64_t key = a->vaddr / FAM_PAGE | cpu->tlb.epoch;
	if (known->key != key || (a->kind != FAM_EV_LOAD && !known->writable))
		learn(cpu, info, a->vaddr);
	if (known->key != key)
		return false;
	unsigned shift = qemu_plugin_mem_size_shift(info);
	a->offset = known->offset | a->vaddr % FAM_PAGE;
	a->size = 1u << shift;
	a->low = (unsigned)(uintptr_t)low;
	if (cpu->ring)
		a->value = value_of(info, shift);
	return true;
}

static inline bool is_other(struct fam_cpu *cpu, uint64_t vaddr)
{
	return __builtin_expect(slot_of(cpu, vaddr)->other == (vaddr / FAM_PAGE | cpu->tlb.epoch),
				1);
}

static __attribute__((noinline)) void pool_access(struct fam_cpu *cpu, qemu_plugin_meminfo_t info,
						  uint64_t vaddr, void *low,
						  enum fam_event_kind kind)
{
	struct fam_access a = {.vaddr = vaddr, .kind = kind};
	if (fill_in(cpu, &a, info, low))
		fam_accessed(cpu, &a);
}

/* Whether there is nothing to do: the line is held, and for a store its bytes are dirty already. */
static inline bool is_settled(struct fam_cpu *cpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
			      bool store)
{
	struct fam_translation *known = slot_of(cpu, vaddr);
	if (!fam.quick || known->key != (vaddr / FAM_PAGE | cpu->tlb.epoch) ||
	    vaddr % FAM_LINE > FAM_LINE - 16)
		return false;
	uint64_t line = (known->offset | vaddr % FAM_PAGE) / FAM_LINE;
	if (!__atomic_load_n(&fam.view->held[line], __ATOMIC_ACQUIRE))
		return false;
	if (!store)
		return true;
	uint64_t bytes = fam_bytes(vaddr % FAM_LINE, 1u << qemu_plugin_mem_size_shift(info));
	return known->writable &&
	       (__atomic_load_n(&fam.view->dirty[line], __ATOMIC_RELAXED) & bytes) == bytes;
}

static void on_load(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(&fam.cpu[cpu], vaddr) && !is_settled(&fam.cpu[cpu], info, vaddr, false))
		pool_access(&fam.cpu[cpu], info, vaddr, low, FAM_EV_LOAD);
}

static void on_store(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(&fam.cpu[cpu], vaddr) && !is_settled(&fam.cpu[cpu], info, vaddr, true))
		pool_access(&fam.cpu[cpu], info, vaddr, low, FAM_EV_STORE);
}

static void on_nt_store(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(&fam.cpu[cpu], vaddr))
		pool_access(&fam.cpu[cpu], info, vaddr, low, FAM_EV_STORE_NT);
}

/* QEMU tells of the load and of the store when both are done. */
static void on_locked(unsigned number, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	struct fam_cpu *cpu = &fam.cpu[number];
	struct fam_access a = {.vaddr = vaddr, .kind = FAM_EV_LOCKED};
	if (is_other(cpu, vaddr) || !fill_in(cpu, &a, info, low))
		return;
	if (!qemu_plugin_mem_is_store(info)) {
		if (cpu->locked == FAM_NO_LINE)
			cpu->found = a.value;
		return;
	}
	a.old = cpu->found;
	fam_after_locked(cpu, &a);
}

/* --- instructions ---------------------------------------------------------------------------- */

static void before_locked(unsigned cpu, void *site)
{
	fam_before_locked(&fam.cpu[cpu], site);
}

static void on_flush(unsigned cpu, void *site)
{
	fam_flush_line(&fam.cpu[cpu], site);
}

static void on_flush_all(unsigned cpu, void *site)
{
	fam_flush_all(&fam.cpu[cpu], site);
}

static void on_fence(unsigned cpu, void *site)
{
	static const enum fam_event_kind kinds[] = {
		[FAM_OP_SFENCE] = FAM_EV_SFENCE,
		[FAM_OP_MFENCE] = FAM_EV_MFENCE,
		[FAM_OP_LFENCE] = FAM_EV_LFENCE,
	};
	const struct fam_site *at = site;
	fam_fence(&fam.cpu[cpu], kinds[at->in.operation], at->low);
}

static void on_cpuid(unsigned cpu, void *site)
{
	fam_cpuid(&fam.cpu[cpu], site);
}

static void on_translation(unsigned number, void *site)
{
	(void)site;
	struct fam_cpu *cpu = &fam.cpu[number];
	fam_forget_translations(&cpu->tlb);
	fam_let_go(cpu);
	cpu->knows_space = false;
	fam_heed();
}

static void on_return(unsigned cpu, void *site)
{
	(void)site;
	fam_pay(&fam.cpu[cpu]);
}

static void on_segment(unsigned cpu, void *site)
{
	(void)site;
	fam.cpu[cpu].knows_thread = false;
}

/* --- translation ----------------------------------------------------------------------------- */

static struct fam_site *found_again(const struct fam_site *wanted, struct fam_site ***place)
{
	static struct fam_site *known[SITES];
	const uint8_t *bytes = (const uint8_t *)wanted;
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (size_t i = 0; i < sizeof(*wanted); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	*place = &known[hash % SITES];
	return **place && !memcmp(**place, wanted, sizeof(*wanted)) ? **place : NULL;
}

/* Code that calls back with a site may run for ever: none is freed. */
static struct fam_site *site_for(const struct fam_site *wanted)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct fam_site **place, *site;
	pthread_mutex_lock(&mutex);
	site = found_again(wanted, &place);
	if (!site && (site = malloc(sizeof(*site)))) {
		memcpy(site, wanted, sizeof(*site));
		*place = site;
	}
	pthread_mutex_unlock(&mutex);
	return site;
}

static qemu_plugin_vcpu_udata_cb_t callback_of(enum fam_operation operation, bool program)
{
	switch (operation) {
	case FAM_OP_CLFLUSH:
	case FAM_OP_CLFLUSHOPT:
	case FAM_OP_CLWB: return on_flush;
	case FAM_OP_WBINVD:
	case FAM_OP_WBNOINVD: return on_flush_all;
	case FAM_OP_SFENCE:
	case FAM_OP_MFENCE:
	case FAM_OP_LFENCE: return program ? on_fence : NULL;
	case FAM_OP_CPUID: return program ? on_cpuid : NULL;
	case FAM_OP_LOCKED: return program ? before_locked : NULL;
	case FAM_OP_TRANSLATION: return on_translation;
	case FAM_OP_RETURN: return program ? NULL : on_return;
	case FAM_OP_SEGMENT: return fam.does & FAM_STREAMS ? on_segment : NULL;
	default: return NULL;
	}
}

/* A program's accesses; the registers are wanted only to tell of them. */
static void watch_memory(struct qemu_plugin_insn *insn, enum fam_operation operation, uint64_t low)
{
	enum qemu_plugin_cb_flags flags =
		fam.does & FAM_STREAMS ? QEMU_PLUGIN_CB_R_REGS : QEMU_PLUGIN_CB_NO_REGS;
	void *data = (void *)(uintptr_t)low;
	if (operation == FAM_OP_LOCKED) {
		qemu_plugin_register_vcpu_mem_cb(insn, on_locked, flags, QEMU_PLUGIN_MEM_RW, data);
		return;
	}
	qemu_plugin_register_vcpu_mem_cb(insn, on_load, flags, QEMU_PLUGIN_MEM_R, data);
	qemu_plugin_register_vcpu_mem_cb(insn,
					 operation == FAM_OP_NT_STORE ? on_nt_store : on_store,
					 flags, QEMU_PLUGIN_MEM_W, data);
}

static void watch(struct qemu_plugin_insn *insn)
{
	uint8_t code[FAM_INSTRUCTION];
	struct fam_site site;
	uint64_t at = qemu_plugin_insn_vaddr(insn);
	bool program = !(at >> 63);
	memset(&site, 0, sizeof(site));
	fam_decode(&site.in, code, qemu_plugin_insn_data(insn, code, sizeof(code)));
	site.low = at % FAM_PAGE;
	qemu_plugin_vcpu_udata_cb_t callback = callback_of(site.in.operation, program);
	if (callback)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_R_REGS,
						       site_for(&site));
	if (program)
		watch_memory(insn, site.in.operation, site.low);
}

void fam_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++)
		watch(qemu_plugin_tb_get_insn(block, i));
}
