// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void no_memory(void)
{
	fputs("famulus-analyser: the host has no memory left for the checker's shadow\n", stderr);
	exit(3);
}

static void *checked(void *memory)
{
	if (!memory)
		no_memory();
	return memory;
}

void *allocate(size_t bytes)
{
	return checked(calloc(1, bytes));
}

void *resize(void *old, size_t elements, size_t size)
{
	return checked(reallocarray(old, elements, size));
}

void insert(struct map *map, uint64_t hash, void *entry)
{
	if (!map_add(map, hash, entry))
		no_memory();
}
