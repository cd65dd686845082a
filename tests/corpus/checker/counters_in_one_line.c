// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct counters {
	volatile uint64_t of[8] LINE;
};

int main(int argc, char *argv[])
{
	struct counters *counters = start(argc, argv);
	meet(0);
	for (int i = 0; i < 200; i++) {
		counters->of[me] = counters->of[me] + 1;
		if (i % 20 == 19)
			usleep(500);
	}
	keep((void *)counters, sizeof(*counters));
	meet(1);
	drop((void *)counters, sizeof(*counters));
	printf("%lu %lu\n", counters->of[1], counters->of[2]);
	return 0;
}
