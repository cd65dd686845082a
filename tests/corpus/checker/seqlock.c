// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct seqlock {
	volatile uint64_t seq LINE;
	volatile uint64_t a LINE, b LINE;
};

int main(int argc, char *argv[])
{
	struct seqlock *shared = start(argc, argv);
	uint64_t before, a, b, torn = 0;
	meet(0);
	for (uint64_t i = 1; i < 50; i++) {
		if (me == 1) {
			add((uint64_t *)&shared->seq, 1);
			shared->a = i;
			keep((void *)&shared->a, 8);
			shared->b = i;
			keep((void *)&shared->b, 8);
			add((uint64_t *)&shared->seq, 1);
			usleep(100);
			continue;
		}
		do {
			before = look((uint64_t *)&shared->seq);
			drop((void *)&shared->a, 8);
			a = shared->a;
			drop((void *)&shared->b, 8);
			b = shared->b;
		} while (before % 2 || before != look((uint64_t *)&shared->seq));
		torn += a != b;
	}
	printf("%lu\n", torn);
	return 0;
}
