// SPDX-License-Identifier: GPL-2.0-or-later
/* The plugin of one node's QEMU: famulus.so,pool=FILE,folder=FOLDER,node=K,ram=NAME,memory=BYTES
 * or famulus.so,check=on, to see whether this QEMU loads the plugin. */
#include "life.h"
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EXPORTED int qemu_plugin_version = QEMU_PLUGIN_API;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t, const struct qemu_info_t *, int, char **);

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
	struct settings settings = {0};
	if (count == 1 && !strcmp(arguments[0], "check=on")) {
		fprintf(stderr, "famulus: loads\n");
		return 1; /* QEMU ends */
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
	machine_node()->pid = (uint64_t)getpid();
	life_begin(id);
	return 0;
}
