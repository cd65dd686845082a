// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyser.h"

#include <stdlib.h>

static void *sure(void *memory)
{
	if (memory)
		return memory;
	fputs("famulus-analyser: the host has no memory left for the checker's shadow\n", stderr);
	exit(3);
}

void *get(size_t bytes)
{
	return sure(calloc(1, bytes));
}

void *more(void *old, size_t elements, size_t size)
{
	return sure(reallocarray(old, elements, size));
}
