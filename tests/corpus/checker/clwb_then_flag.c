// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	volatile uint64_t data LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	meet(0);
	if (me == 1) {
		box->data = 42;
		_mm_clwb((void *)&box->data);
		box->flag = 1;
		_mm_clflush((void *)&box->flag);
		_mm_sfence();
	} else {
		await(&box->flag, 1);
		drop((void *)&box->data, 8);
		printf("%lu\n", box->data);
	}
	return 0;
}
