// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	volatile uint64_t data LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	uint64_t before = box->data;
	meet(0);
	if (me == 1) {
		box->data = 42;
		flush((void *)&box->data, 8);
		box->flag = 1;
		flush((void *)&box->flag, 8);
	} else {
		await(&box->flag, 1);
		printf("%lu then %lu\n", before, box->data);
	}
	return 0;
}
