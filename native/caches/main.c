// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's tool for the caches of a fabric. Exit status: 0, 1 after an error, 2 for wrong
 * arguments.
 *
 *   caches create FOLDER POOL_SIZE COHERENT LOCAL_ATOMICS EVICTION LINES SEED RING_EVENTS
 *   caches attach POOL FOLDER NODE        make the node's image, before its QEMU starts; attach.h
 *   caches detach POOL FOLDER NODE KILLED take the image away; dirty lines are lost if KILLED is 1
 *   caches ask POOL FOLDER NODE MODE      set the mode of the node's plugin, see modes.h
 *   caches want POOL FOLDER NODE MODE     the same, and wait until the plugin has the mode
 *   caches hurry POOL FOLDER NODE YES     no wait for room in the node's rings, or wait again
 *   caches write POOL FOLDER OFFSET       store standard input, past all caches
 *   caches zero POOL FOLDER OFFSET SIZE   store zeros, past all caches
 *   caches show POOL FOLDER               print a row for each node, see modes.h
 * / */
#include "attach.h"
#include "fails.h"
#include "files.h"
#include "modes.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static int create(char **a)
{
	static struct shared_control control = {.magic = CONTROL_MAGIC, .version = CONTROL_VERSION};
	control.pool_size = number(a[1]);
	control.coherent = (uint32_t)number(a[2]);
	control.local_atomics = (uint32_t)number(a[3]);
	control.eviction = (uint32_t)number(a[4]);
	control.cache_lines = number(a[5]);
	control.seed = number(a[6]);
	control.ring_events = number(a[7]);
	return files_create(a[0], &control);
}

static int usage(void)
{
	fprintf(stderr, "caches: wrong arguments; native/caches/main.c lists the verbs\n");
	return 2;
}

static int run(struct shared_fabric *f, const char *verb, const char *pool, char **a, int count)
{
	if (!strcmp(verb, "attach") && count == 1)
		return attach(f, pool, atoi(a[0]));
	if (!strcmp(verb, "detach") && count == 2)
		return detach(f, atoi(a[0]), atoi(a[1]));
	if (!strcmp(verb, "ask") && count == 2)
		return modes_ask(f, atoi(a[0]), number(a[1]));
	if (!strcmp(verb, "want") && count == 2)
		return modes_want(f, atoi(a[0]), number(a[1]));
	if (!strcmp(verb, "hurry") && count == 2)
		return modes_hurry(f, atoi(a[0]), atoi(a[1]));
	if (!strcmp(verb, "write") && count == 1)
		return store_input(f, number(a[0]));
	if (!strcmp(verb, "zero") && count == 2)
		return store_zeros(f, pool, number(a[0]), number(a[1]));
	if (!strcmp(verb, "show") && count == 0)
		return modes_show(f);
	return usage();
}

int main(int count, char **arguments)
{
	static struct shared_fabric fabric;
	if (count == 10 && !strcmp(arguments[1], "create"))
		return create(arguments + 2);
	if (count < 4)
		return usage();
	const char *failed = shared_open(&fabric, arguments[2], arguments[3], 0);
	if (failed)
		return fails(failed);
	return run(&fabric, arguments[1], arguments[2], arguments + 4, count - 4);
}
