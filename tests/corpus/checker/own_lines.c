// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct slot {
	volatile uint64_t sum LINE;
};

int main(int argc, char *argv[])
{
	struct slot *slot = start(argc, argv);
	uint64_t sum = 0;
	for (uint64_t i = 0; i < 1000; i++)
		slot[me].sum += i;
	keep((void *)&slot[me], 64);
	meet(0);
	for (int i = 1; i <= all; i++) {
		drop((void *)&slot[i], 64);
		sum += slot[i].sum;
	}
	printf("%lu\n", sum);
	return 0;
}
