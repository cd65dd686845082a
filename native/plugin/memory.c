// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"
#include "access.h"
#include "line.h"
#include "locked.h"
#include "machine.h"

static uint64_t look_up(qemu_plugin_meminfo_t info, uint64_t vaddr, bool *writable)
{
	struct qemu_plugin_hwaddr *found = qemu_plugin_get_hwaddr(info, vaddr);
	if (!found)
		return address_walk(&this_machine()->ram, vaddr, writable);
	*writable = qemu_plugin_mem_is_store(info);
	if (qemu_plugin_hwaddr_is_io(found))
		return NOT_POOL;
	return address_pool_offset(&this_machine()->ram, qemu_plugin_hwaddr_phys_addr(found));
}

/* Learn the translation of a page that the CPU has just accessed. */
static void learn(struct cpu *cpu, qemu_plugin_meminfo_t info, uint64_t vaddr)
{
	struct translation *known = address_entry(&cpu->tlb, vaddr);
	uint64_t key = address_key(&cpu->tlb, vaddr);
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

/* Set the access's offset, size and value. Return false if the access is not to the pool. */
static bool fill_in(struct cpu *cpu, struct access *a, qemu_plugin_meminfo_t info, void *low)
{
	struct translation *known = address_entry(&cpu->tlb, a->vaddr);
	uint64_t key = address_key(&cpu->tlb, a->vaddr);
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
	return __builtin_expect(
		address_entry(&cpu->tlb, vaddr)->other == address_key(&cpu->tlb, vaddr), 1);
}

static __attribute__((noinline)) void pool_access(struct cpu *cpu, qemu_plugin_meminfo_t info,
						  uint64_t vaddr, void *low,
						  enum stream_event_kind kind)
{
	struct access a = {.vaddr = vaddr, .kind = kind};
	if (fill_in(cpu, &a, info, low))
		access_done(cpu, &a);
}

/* Whether the access needs no work: the node holds the line, and the bytes of a store are dirty
 * already. */
static inline bool is_settled(struct cpu *cpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
			      bool store)
{
	const struct machine *machine = this_machine();
	const struct translation *known = address_entry(&cpu->tlb, vaddr);
	if (!machine->quick || known->key != address_key(&cpu->tlb, vaddr) ||
	    vaddr % LINE_BYTES > LINE_BYTES - 16)
		return false;
	uint64_t line = (known->offset | vaddr % PAGE_BYTES) / LINE_BYTES;
	if (!__atomic_load_n(&machine->view->held[line], __ATOMIC_ACQUIRE))
		return false;
	if (!store)
		return true;
	uint64_t bytes = line_mask(vaddr % LINE_BYTES, 1u << qemu_plugin_mem_size_shift(info));
	return known->writable &&
	       (__atomic_load_n(&machine->view->dirty[line], __ATOMIC_RELAXED) & bytes) == bytes;
}

static void on_load(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(machine_cpu(cpu), vaddr) && !is_settled(machine_cpu(cpu), info, vaddr, false))
		pool_access(machine_cpu(cpu), info, vaddr, low, STREAM_LOAD);
}

static void on_store(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(machine_cpu(cpu), vaddr) && !is_settled(machine_cpu(cpu), info, vaddr, true))
		pool_access(machine_cpu(cpu), info, vaddr, low, STREAM_STORE);
}

static void on_nt_store(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	if (!is_other(machine_cpu(cpu), vaddr))
		pool_access(machine_cpu(cpu), info, vaddr, low, STREAM_STORE_NT);
}

/* QEMU calls back for the load and for the store after both are done. */
static void on_locked(unsigned number, qemu_plugin_meminfo_t info, uint64_t vaddr, void *low)
{
	struct cpu *cpu = machine_cpu(number);
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

/* Only events need the registers. */
void memory_watch(struct qemu_plugin_insn *insn, enum operation operation, uint64_t low)
{
	enum qemu_plugin_cb_flags flags = this_machine()->does & PLUGIN_STREAMS
						  ? QEMU_PLUGIN_CB_R_REGS
						  : QEMU_PLUGIN_CB_NO_REGS;
	void *data = (void *)(uintptr_t)low;
	if (operation == OP_LOCKED) {
		qemu_plugin_register_vcpu_mem_cb(insn, on_locked, flags, QEMU_PLUGIN_MEM_RW, data);
		return;
	}
	qemu_plugin_register_vcpu_mem_cb(insn, on_load, flags, QEMU_PLUGIN_MEM_R, data);
	qemu_plugin_register_vcpu_mem_cb(insn, operation == OP_NT_STORE ? on_nt_store : on_store,
					 flags, QEMU_PLUGIN_MEM_W, data);
}
