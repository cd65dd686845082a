// SPDX-License-Identifier: GPL-2.0-or-later
/* The plugin of one node's QEMU: famulus.so,pool=FILE,folder=FOLDER,node=K,ram=NAME,memory=BYTES
 * or famulus.so,check=on, to see whether this QEMU takes it.
 *
 * It does nothing, and costs nothing, until the host wants it to (struct shared_node, `wanted`): a node boots, or is
 * cloned, as fast as without it. Then QEMU forgets all translated code and translates it anew, with callbacks. */
#include "cpu.h"
#include "line.h"
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EXPORTED int qemu_plugin_version = QEMU_PLUGIN_API;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t, const struct qemu_info_t *, int, char **);

struct machine machine;

static qemu_plugin_id_t self;
static bool changing;

static struct shared_node *node(void)
{
	return &machine.fabric.control->node[machine.fabric.self];
}

static uint64_t wanted(void)
{
	return __atomic_load_n(&node()->wanted, __ATOMIC_ACQUIRE);
}

static void open_rings(void)
{
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		struct cpu *cpu = &machine.cpu[i];
		if (!(machine.does & PLUGIN_STREAMS))
			cpu->ring = NULL;
		else if (cpu->number == i && cpu->tlb.epoch) /* there is such a CPU */
			cpu->ring = ring_open(&machine.fabric, machine.fabric.self, i);
	}
}

static void begin_cpu(qemu_plugin_id_t id, unsigned number)
{
	(void)id;
	struct cpu *cpu = &machine.cpu[number];
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

/* An idle CPU has all the time of the world to finish its write-backs. */
static void on_idle(qemu_plugin_id_t id, unsigned cpu)
{
	(void)id;
	if (machine.does)
		pending_drain(&machine.cpu[cpu]);
	mode_update();
}

/* QEMU ends in order: the node was shut down. Its caches are written back, as a machine's are. */
static void on_exit_of_qemu(qemu_plugin_id_t id, void *nothing)
{
	(void)id, (void)nothing;
	if (machine.view)
		sweep_lines(&machine.fabric, machine.view, 0, false);
	struct stream_event event = {.kind = STREAM_NODE_DOWN, .offset = STREAM_NO_OFFSET};
	event.node = (uint8_t)machine.fabric.self;
	if (machine.cpu[0].ring)
		ring_put(&machine.fabric, machine.cpu[0].ring, &event);
	__atomic_store_n(&node()->does, 0, __ATOMIC_RELEASE);
}

static void register_all(void)
{
	qemu_plugin_register_vcpu_init_cb(self, begin_cpu);
	qemu_plugin_register_vcpu_idle_cb(self, on_idle);
	qemu_plugin_register_vcpu_resume_cb(self, on_resume);
	qemu_plugin_register_atexit_cb(self, on_exit_of_qemu, NULL);
	if (machine.does)
		qemu_plugin_register_vcpu_tb_trans_cb(self, watch_block);
}

/* No CPU runs, and there is no translated code. */
static void begin_anew(qemu_plugin_id_t id)
{
	(void)id;
	machine.does = wanted();
	machine.quick = machine.view && !(machine.does & PLUGIN_STREAMS) &&
			machine.cache.policy != EVICT_LRU;
	changing = false;
	if (machine.does && !machine.ram.at && !address_find_ram(&machine.ram)) {
		fprintf(stderr, "famulus: the node's memory %s is not to be found\n",
			machine.ram.name);
		abort();
	}
	open_rings();
	if (machine.cpu[0].ring)
		tell_event(&machine.cpu[0], STREAM_NODE_UP, STREAM_NO_OFFSET, 0);
	register_all();
	__atomic_store_n(&node()->does, machine.does, __ATOMIC_RELEASE);
}

void mode_update(void)
{
	if (wanted() == machine.does || __atomic_exchange_n(&changing, true, __ATOMIC_ACQ_REL))
		return;
	qemu_plugin_reset(self, begin_anew);
}

static int fails(const char *what)
{
	fprintf(stderr, "famulus: %s: %s\n", what, strerror(errno));
	return 1;
}

struct settings {
	const char *pool, *folder, *node, *ram, *memory;
};

static const char *value_after(const char *argument, const char *name)
{
	size_t length = strlen(name);
	return strncmp(argument, name, length) ? NULL : argument + length;
}

static void read_setting(struct settings *to, const char *argument)
{
	const char *value;
	if ((value = value_after(argument, "pool=")))
		to->pool = value;
	else if ((value = value_after(argument, "folder=")))
		to->folder = value;
	else if ((value = value_after(argument, "node=")))
		to->node = value;
	else if ((value = value_after(argument, "ram=")))
		to->ram = value;
	else if ((value = value_after(argument, "memory=")))
		to->memory = value;
}

static int open_all(const struct settings *from)
{
	const char *failed =
		shared_open(&machine.fabric, from->pool, from->folder, atoi(from->node));
	if (failed)
		return fails(failed);
	machine.ram = (struct ram){.name = from->ram, .size = strtoull(from->memory, NULL, 10)};
	machine.ram.pool_size = machine.fabric.size;
	if (machine.fabric.control->coherent)
		return 0;
	machine.view = shared_view(&machine.fabric, machine.fabric.self);
	if (!machine.view)
		return fails("the node's image of the pool");
	return cache_open(&machine.cache, machine.fabric.control, machine.fabric.self)
		       ? 0
		       : fails("the cache");
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count,
				 char **arguments)
{
	struct settings settings = {0};
	self = id;
	if (count == 1 && !strcmp(arguments[0], "check=on")) {
		fprintf(stderr, "famulus: loads\n");
		return 1; /* and QEMU ends */
	}
	for (int i = 0; i < count; i++)
		read_setting(&settings, arguments[i]);
	if (!settings.pool || !settings.folder || !settings.node || !settings.ram ||
	    !settings.memory) {
		fprintf(stderr, "famulus: pool, folder, node, ram and memory are wanted\n");
		return 1;
	}
	if (strcmp(info->target_name, "x86_64") || !info->system_emulation) {
		fprintf(stderr, "famulus: an x86_64 machine is wanted, not %s\n",
			info->target_name);
		return 1;
	}
	if (open_all(&settings))
		return 1;
	node()->pid = (uint64_t)getpid();
	register_all();
	return 0;
}
