// SPDX-License-Identifier: GPL-2.0-or-later
#include "flush.h"
#include "copy.h"
#include "event.h"
#include "machine.h"
#include "owed.h"
#include "pending.h"
#include "sweep.h"

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
	event_put(cpu, kinds[site->in.operation], line * LINE_BYTES, site->low);
	if (site->in.operation != OP_CLFLUSH)
		pending_add(cpu, line, site->in.operation == OP_CLFLUSHOPT);
	else if (this_machine()->view)
		copy_write_back(cpu, line, true);
}

void flush_all(struct cpu *cpu, const struct site *site)
{
	struct machine *machine = this_machine();
	pending_drain(cpu);
	event_put(cpu, STREAM_WBINVD, STREAM_NO_OFFSET, site->low);
	if (machine->view)
		sweep_lines(&machine->fabric, machine->view, cpu->number,
			    site->in.operation == OP_WBINVD);
}

void flush_fence(struct cpu *cpu, enum stream_event_kind kind, unsigned low)
{
	if (kind != STREAM_LFENCE)
		pending_drain(cpu);
	event_put(cpu, kind, STREAM_NO_OFFSET, low);
}
