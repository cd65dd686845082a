// SPDX-License-Identifier: GPL-2.0-or-later
#include "event.h"
#include "machine.h"
#include "ring.h"
#include "script.h"

void event_wait(struct cpu *cpu)
{
	if (cpu->ring && !cpu->hasty)
		ring_wait(&this_machine()->fabric, cpu->ring);
}

static void put_at(struct cpu *cpu, struct stream_event *event, uint64_t pc)
{
	struct machine *machine = this_machine();
	event_wait(cpu);
	event->space = cpu_space(cpu);
	event->thread = cpu_thread(cpu);
	event->pc = script_pc(event->space, event->thread, pc);
	event->node = (uint8_t)machine->fabric.self;
	event->cpu = (uint8_t)cpu->number;
	ring_put(&machine->fabric, cpu->ring, event);
}

void event_put_at(struct cpu *cpu, enum stream_event_kind kind, uint64_t offset, uint64_t pc)
{
	struct stream_event event = {.kind = kind, .offset = offset};
	if (cpu->ring)
		put_at(cpu, &event, pc);
}

void event_put(struct cpu *cpu, enum stream_event_kind kind, uint64_t offset, unsigned low)
{
	if (cpu->ring)
		event_put_at(cpu, kind, offset, address_pc(low));
}

void event_access(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	struct stream_event event = {.kind = a->kind, .offset = offset, .size = (uint16_t)size};
	event.value = a->value;
	event.old = a->old;
	if (cpu->ring)
		put_at(cpu, &event, address_pc(a->low));
}

void event_process(struct cpu *cpu, enum stream_event_kind kind, unsigned low)
{
	struct stream_event event = {.kind = kind, .offset = STREAM_NO_OFFSET};
	if (!cpu->ring)
		return;
	event.value = (uint32_t)address_register(REGISTER_RBX);
	event.old = (uint32_t)address_register(REGISTER_RCX);
	put_at(cpu, &event, address_pc(low));
}
