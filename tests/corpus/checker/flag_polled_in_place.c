// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	volatile uint64_t data LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	int tries = 0;
	while (me == 2 && !box->flag && ++tries < 10)
		;
	meet(0);
	if (me == 1) {
		box->data = 42;
		flush((void *)&box->data, 8);
		box->flag = 1;
		flush((void *)&box->flag, 8);
		return 0;
	}
	for (tries = 0; !box->flag && tries < TRIES; tries++)
		usleep(10);
	drop((void *)&box->data, 8);
	printf("after %d tries: %lu\n", tries, box->data);
	return 0;
}
