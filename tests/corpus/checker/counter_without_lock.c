// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

int main(int argc, char *argv[])
{
	volatile uint64_t *count = start(argc, argv);
	meet(0);
	for (int i = 0; i < 100; i++) {
		drop((void *)count, 8);
		*count = *count + 1;
		usleep(10);
		keep((void *)count, 8);
	}
	meet(1);
	drop((void *)count, 8);
	printf("%lu\n", *count);
	return 0;
}
