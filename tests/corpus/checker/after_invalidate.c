// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	uint64_t flag LINE;
	volatile uint64_t data LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	uint64_t before = box->data;
	meet(0);
	if (me == 1) {
		box->data = 42;
		keep((void *)&box->data, 8);
		swap(&box->flag, 1);
	} else {
		while (!look(&box->flag))
			usleep(100);
		_mm_clflushopt((void *)&box->data);
		printf("%lu then %lu\n", before, box->data);
		_mm_mfence();
	}
	return 0;
}
