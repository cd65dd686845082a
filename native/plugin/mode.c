// SPDX-License-Identifier: GPL-2.0-or-later
#include "mode.h"
#include "machine.h"

static qemu_plugin_id_t self;
static qemu_plugin_simple_cb_t begin_mode;
static bool changing;

static uint64_t wanted(void)
{
	return __atomic_load_n(&machine_node()->wanted, __ATOMIC_ACQUIRE);
}

void mode_open(qemu_plugin_id_t id, qemu_plugin_simple_cb_t begin)
{
	self = id;
	begin_mode = begin;
}

void mode_update(void)
{
	if (wanted() == this_machine()->does ||
	    __atomic_exchange_n(&changing, true, __ATOMIC_ACQ_REL))
		return;
	qemu_plugin_reset(self, begin_mode);
}

void mode_enter(void)
{
	struct machine *machine = this_machine();
	machine->does = wanted();
	machine->quick = machine->view && !(machine->does & PLUGIN_STREAMS) &&
			 machine->cache.policy != EVICT_LRU;
	changing = false;
}

void mode_report(uint64_t does)
{
	__atomic_store_n(&machine_node()->does, does, __ATOMIC_RELEASE);
}
