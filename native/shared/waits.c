// SPDX-License-Identifier: GPL-2.0-or-later
#include "waits.h"

#include <time.h>

#define SECOND UINT64_C(1000000000)

uint64_t waits_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t *own(struct shared_fabric *f)
{
	return &f->control->node[f->self].waits;
}

void waits_say(struct shared_fabric *f, unsigned whom, uint64_t began)
{
	if (waits_now() - began > SECOND)
		__atomic_store_n(own(f), began / 1000000 << WAITS_BITS | whom, __ATOMIC_RELAXED);
}

void waits_end(struct shared_fabric *f)
{
	if (__atomic_load_n(own(f), __ATOMIC_RELAXED))
		__atomic_store_n(own(f), 0, __ATOMIC_RELAXED);
}

unsigned waits_of(const struct shared_node *node, unsigned *seconds)
{
	uint64_t word = __atomic_load_n(&node->waits, __ATOMIC_RELAXED);
	uint64_t since = (word >> WAITS_BITS) * 1000000, now = waits_now();
	*seconds = word && now > since ? (unsigned)((now - since) / SECOND) : 0;
	return word & ((1 << WAITS_BITS) - 1);
}
