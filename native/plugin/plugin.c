// SPDX-License-Identifier: GPL-2.0-or-later
/* Load the plugin into one node's QEMU:
 * famulus.so,pool=FILE,folder=FOLDER,node=K,ram=NAME,memory=BYTES or famulus.so,check=on, to test
 * whether this QEMU loads the plugin. See options.h. */
#include "life.h"
#include "machine.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EXPORTED int qemu_plugin_version = QEMU_PLUGIN_API;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t, const struct qemu_info_t *, int, char **);

static int fails(const char *subject)
{
	fprintf(stderr, "famulus: %s: %s\n", subject, strerror(errno));
	return 1;
}

static int open_all(const struct options *from)
{
	struct machine *machine = this_machine();
	const char *failed =
		shared_open(&machine->fabric, from->pool, from->folder, atoi(from->node));
	if (failed)
		return fails(failed);
	machine->ram = (struct ram){.name = from->ram, .size = strtoull(from->memory, NULL, 10)};
	machine->ram.pool_size = machine->fabric.size;
	if (machine->fabric.control->coherent)
		return 0;
	machine->view = shared_view(&machine->fabric, machine->fabric.self);
	if (!machine->view)
		return fails("the node's image of the pool");
	return cache_open(&machine->cache, machine->fabric.control, machine->fabric.self)
		       ? 0
		       : fails("the cache");
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count,
				 char **arguments)
{
	struct options options = {0};
	if (!options_read(&options, count, arguments))
		return 1; /* QEMU ends */
	if (options_check(&options)) {
		fprintf(stderr, "famulus: loads\n");
		return 1;
	}
	if (strcmp(info->target_name, "x86_64") || !info->system_emulation) {
		fprintf(stderr, "famulus: the plugin needs an x86_64 machine, not %s\n",
			info->target_name);
		return 1;
	}
	if (open_all(&options))
		return 1;
	machine_node()->pid = (uint64_t)getpid();
	life_begin(id);
	return 0;
}
