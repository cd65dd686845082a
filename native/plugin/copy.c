// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy.h"
#include "event.h"
#include "line.h"
#include "lock.h"
#include "machine.h"

static bool holds(uint64_t line)
{
	return __atomic_load_n(&this_machine()->view->held[line], __ATOMIC_ACQUIRE);
}

void copy_write_back(struct cpu *cpu, uint64_t line, bool drop)
{
	struct machine *machine = this_machine();
	lock_line(&machine->fabric, line, cpu->number);
	(drop ? line_drop : line_write_back)(&machine->fabric, machine->view, line);
	unlock_line(&machine->fabric, line);
	if (drop)
		cache_forget(&machine->cache, line);
}

static void evict(struct cpu *cpu, uint64_t line)
{
	struct machine *machine = this_machine();
	if (!holds(line))
		return;
	event_put(cpu, STREAM_EVICTED, line * LINE_BYTES, 0);
	lock_line(&machine->fabric, line, cpu->number);
	line_drop(&machine->fabric, machine->view, line);
	unlock_line(&machine->fabric, line);
	__atomic_fetch_add(&machine_node()->evicted, 1, __ATOMIC_RELAXED);
}

static void use(struct cpu *cpu, uint64_t line)
{
	uint64_t victim = cache_use(&this_machine()->cache, line);
	if (victim != NO_LINE)
		evict(cpu, victim);
}

static void take(struct cpu *cpu, uint64_t line, uint64_t dirty)
{
	struct machine *machine = this_machine();
	lock_line(&machine->fabric, line, cpu->number);
	line_hold(&machine->fabric, machine->view, line);
	__atomic_fetch_or(&machine->view->dirty[line], dirty, __ATOMIC_ACQ_REL);
	unlock_line(&machine->fabric, line);
	__atomic_fetch_add(&machine_node()->held, 1, __ATOMIC_RELAXED);
	use(cpu, line);
}

void copy_touch(struct cpu *cpu, uint64_t line, uint64_t dirty)
{
	struct machine *machine = this_machine();
	uint64_t *known = &machine->view->dirty[line];
	if (!holds(line)) {
		take(cpu, line, dirty);
		return;
	}
	if ((__atomic_load_n(known, __ATOMIC_RELAXED) & dirty) != dirty)
		__atomic_fetch_or(known, dirty, __ATOMIC_ACQ_REL);
	if (machine->cache.policy == EVICT_LRU)
		use(cpu, line);
}
