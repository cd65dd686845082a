// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct shared {
	volatile uint32_t size, owner, kind, state;
} LINE;

int main(int argc, char *argv[])
{
	struct shared *shared = start(argc, argv);
	if (me == 2 && shared->size)
		return 1;
	meet(0);
	if (me == 1) {
		shared->size = 4096;
		keep(shared, sizeof(*shared));
	}
	meet(1);
	if (me == 2) {
		shared->owner = 2;
		keep(shared, sizeof(*shared));
	}
	meet(2);
	drop(shared, sizeof(*shared));
	printf("%u of %u\n", shared->size, shared->owner);
	return 0;
}
