// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct pair {
	volatile uint64_t a, b;
} LINE;

int main(int argc, char *argv[])
{
	struct pair *pair = start(argc, argv);
	uint64_t torn = 0;
	meet(0);
	for (uint64_t i = 1; i < 300; i++)
		if (me == 1) {
			pair->a = i;
			usleep(10);
			pair->b = i;
			keep(pair, sizeof(*pair));
		} else {
			drop(pair, sizeof(*pair));
			torn += pair->a != pair->b;
			usleep(10);
		}
	printf("%lu\n", torn);
	return 0;
}
