// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct half {
	volatile uint64_t cell[64] LINE;
};

int main(int argc, char *argv[])
{
	struct half *half = start(argc, argv);
	uint64_t sum = 0;
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 64; i++)
			half[me].cell[i] = (uint64_t)(round + i);
		keep(&half[me], sizeof(*half));
		meet(2 * round);
		for (int other = 1; other <= all; other++) {
			drop(&half[other], sizeof(*half));
			for (int i = 0; i < 64; i++)
				sum += half[other].cell[i];
		}
		meet(2 * round + 1);
	}
	printf("%lu\n", sum);
	return 0;
}
