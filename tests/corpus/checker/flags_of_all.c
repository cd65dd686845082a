// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct flag {
	volatile uint64_t round LINE;
};

int main(int argc, char *argv[])
{
	struct flag *flag = start(argc, argv);
	for (uint64_t round = 1; round < 10; round++) {
		flag[me].round = round;
		keep((void *)&flag[me], 8);
		for (int i = 1; i <= all; i++)
			if (i != me)
				await(&flag[i].round, round);
	}
	return 0;
}
