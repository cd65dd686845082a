// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

int main(int argc, char *argv[])
{
	uint64_t *count = start(argc, argv);
	for (int i = 0; i < 100; i++)
		add(count, 1);
	meet(0);
	drop(count, 8);
	printf("%lu\n", *(volatile uint64_t *)count);
	return 0;
}
