// SPDX-License-Identifier: GPL-2.0-or-later
#include "pending.h"
#include "copy.h"
#include "event.h"
#include "machine.h"

static void push(struct cpu *cpu, const struct pending *one)
{
	event_put(cpu, STREAM_PUSHED, one->line * LINE_BYTES, 0);
	if (this_machine()->view)
		copy_write_back(cpu, one->line, one->drop);
}

void pending_drain(struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->pendings; i++)
		push(cpu, &cpu->pending[i]);
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

void pending_add(struct cpu *cpu, uint64_t line, bool drop)
{
	if (is_pending(cpu, line, drop))
		return;
	if (cpu->pendings == MAX_PENDING) {
		push(cpu, &cpu->pending[0]);
		cpu->pendings--;
		for (unsigned i = 0; i < cpu->pendings; i++)
			cpu->pending[i] = cpu->pending[i + 1];
	}
	cpu->pending[cpu->pendings++] = (struct pending){line, drop};
}
