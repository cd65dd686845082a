// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

int main(int argc, char *argv[])
{
	volatile uint8_t *map = start(argc, argv);
	meet(0);
	for (int i = 0; i < 32; i++) {
		drop((void *)map, 64);
		map[i] = (uint8_t)(map[i] | 1 << me);
		usleep(100);
		flush((void *)map, 64);
	}
	meet(1);
	drop((void *)map, 64);
	printf("%x\n", map[0]);
	return 0;
}
