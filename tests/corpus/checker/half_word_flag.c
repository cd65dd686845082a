// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct pair {
	volatile uint32_t flag, data;
} LINE;

int main(int argc, char *argv[])
{
	struct pair *pair = start(argc, argv);
	if (me == 1) {
		usleep(2000);
		pair->flag = 1;
		pair->data = 42;
		flush(pair, 8);
	} else {
		do {
			drop(pair, 8);
			usleep(20);
		} while (!pair->flag);
		printf("%u\n", pair->data);
	}
	return 0;
}
