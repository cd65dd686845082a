// SPDX-License-Identifier: GPL-2.0-or-later
#include "life.h"
#include "event.h"
#include "machine.h"
#include "mode.h"
#include "pending.h"
#include "ring.h"
#include "sweep.h"
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>

static bool has_rings;

/* Without the ring, accesses would be missing and nobody would know: then the plugin does not
 * report that it streams. */
static struct stream_ring *open_ring(struct machine *machine, unsigned cpu)
{
	struct stream_ring *ring = ring_open(&machine->fabric, machine->fabric.self, cpu);
	if (!ring) {
		perror("famulus: the ring of a CPU");
		has_rings = false;
	}
	return ring;
}

static void open_rings(struct machine *machine)
{
	has_rings = true;
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		struct cpu *cpu = &machine->cpu[i];
		if (!(machine->does & PLUGIN_STREAMS))
			cpu->ring = NULL;
		else if (cpu->number == i && cpu->tlb.epoch) /* the node has this CPU */
			cpu->ring = open_ring(machine, i);
	}
}

static void begin_cpu(qemu_plugin_id_t id, unsigned number)
{
	(void)id;
	struct cpu *cpu = machine_cpu(number);
	cpu->number = number;
	cpu->locked = NO_LINE;
	address_forget(&cpu->tlb);
	address_find_registers();
}

static void on_resume(qemu_plugin_id_t id, unsigned cpu)
{
	(void)id, (void)cpu;
	mode_update();
}

/* Write-backs of an idle CPU do not wait for a fence. QEMU has its own lock here. */
static void on_idle(qemu_plugin_id_t id, unsigned number)
{
	(void)id;
	struct cpu *cpu = machine_cpu(number);
	cpu->hasty = true;
	if (this_machine()->does)
		pending_drain(cpu);
	cpu->hasty = false;
	mode_update();
}

/* QEMU ends in order: the node was shut down. The caches are written back, as a real machine's
 * are. */
static void on_exit_of_qemu(qemu_plugin_id_t id, void *nothing)
{
	(void)id, (void)nothing;
	struct machine *machine = this_machine();
	if (machine->view)
		sweep_lines(&machine->fabric, machine->view, 0, false);
	struct stream_event event = {.kind = STREAM_NODE_DOWN, .offset = STREAM_NO_OFFSET};
	event.node = (uint8_t)machine->fabric.self;
	if (machine->cpu[0].ring)
		ring_put(&machine->fabric, machine->cpu[0].ring, &event);
	mode_report(0);
}

static void register_all(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_init_cb(id, begin_cpu);
	qemu_plugin_register_vcpu_idle_cb(id, on_idle);
	qemu_plugin_register_vcpu_resume_cb(id, on_resume);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	if (this_machine()->does)
		qemu_plugin_register_vcpu_tb_trans_cb(id, watch_block);
}

static void begin_mode(qemu_plugin_id_t id)
{
	struct machine *machine = this_machine();
	mode_enter();
	if (machine->does && !machine->ram.at && !address_find_ram(&machine->ram)) {
		fprintf(stderr, "famulus: this QEMU does not map the node's memory %s\n",
			machine->ram.name);
		abort();
	}
	open_rings(machine);
	machine->cpu[0].hasty = true;
	event_put(&machine->cpu[0], STREAM_NODE_UP, STREAM_NO_OFFSET, 0);
	machine->cpu[0].hasty = false;
	register_all(id);
	mode_report(has_rings ? machine->does : machine->does & ~(uint64_t)PLUGIN_STREAMS);
}

void life_begin(qemu_plugin_id_t id)
{
	mode_open(id, begin_mode);
	register_all(id);
}
