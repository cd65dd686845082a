// SPDX-License-Identifier: GPL-2.0-or-later
#include "locked.h"
#include "access.h"
#include "event.h"
#include "line.h"
#include "lock.h"
#include "machine.h"
#include "pending.h"

#include <string.h>

void locked_let_go(struct cpu *cpu)
{
	if (cpu->locked != NO_LINE)
		unlock_line(&this_machine()->fabric, cpu->locked);
	cpu->locked = NO_LINE;
}

/* The first 8 bytes of the word at `offset`, as the node sees the word. */
static uint64_t word_at(uint64_t offset, unsigned size)
{
	struct machine *machine = this_machine();
	uint64_t value = 0;
	memcpy(&value, (machine->view ? machine->view->image : machine->fabric.pool) + offset,
	       size < 8 ? size : 8);
	return value;
}

/* Bring the pool's bytes to the image, and keep the line's lock until the instruction has stored.
 * Nothing is done for an instruction that would fault, or whose operand is not aligned: QEMU begins
 * the latter twice. */
void locked_before(struct cpu *cpu, const struct site *site)
{
	struct machine *machine = this_machine();
	bool writable = true, fence = cpu->pendings;
	locked_let_go(cpu);
	pending_drain(cpu);
	if (fence)
		event_put(cpu, STREAM_LOCKED, STREAM_NO_OFFSET, site->low);
	if (machine->fabric.control->local_atomics && !cpu->ring)
		return;
	uint64_t vaddr = address_operand(&site->in, site->low);
	uint64_t offset = cpu_operand_offset(cpu, vaddr, &writable);
	if (!address_is_pool(offset) || !writable || vaddr % site->in.size)
		return;
	uint64_t line = offset / LINE_BYTES;
	event_wait(cpu);
	lock_line(&machine->fabric, line, cpu->number);
	cpu->locked = line;
	if (machine->view && !machine->fabric.control->local_atomics)
		line_drop(&machine->fabric, machine->view, line);
	cpu->found = word_at(offset, site->in.size);
}

/* The access with the word's value in memory: QEMU's callback has the operand, and for a cmpxchg
 * that failed the value that the instruction would have stored. */
static struct access as_done(const struct access *a, uint64_t offset)
{
	struct access done = *a;
	done.value = word_at(offset, a->size);
	return done;
}

static void part_locked(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	struct machine *machine = this_machine();
	uint64_t line = offset / LINE_BYTES;
	if (cpu->locked != line)
		lock_line(&machine->fabric, line, cpu->number);
	struct access done = as_done(a, offset);
	if (offset == a->offset)
		event_access(cpu, &done, offset, a->size);
	if (machine->view && !machine->fabric.control->local_atomics) {
		__atomic_fetch_or(&machine->view->dirty[line], line_mask(offset % LINE_BYTES, size),
				  __ATOMIC_ACQ_REL);
		line_drop(&machine->fabric, machine->view, line);
	}
	unlock_line(&machine->fabric, line);
	if (cpu->locked == line)
		cpu->locked = NO_LINE;
}

void locked_after(struct cpu *cpu, const struct access *a)
{
	struct machine *machine = this_machine();
	if (cpu->locked == NO_LINE)
		event_wait(cpu);
	cpu->hasty = true;
	access_each_part(cpu, a, part_locked);
	cpu->hasty = false;
	locked_let_go(cpu);
	if (machine->view && machine->fabric.control->local_atomics)
		access_each_part(cpu, a, access_hold_part);
	else if (machine->view)
		cache_forget(&machine->cache, a->offset / LINE_BYTES);
}
