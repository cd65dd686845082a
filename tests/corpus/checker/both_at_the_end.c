// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	volatile uint64_t data[16] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	meet(0);
	if (me == 1) {
		for (int i = 0; i < 16; i++)
			box->data[i] = i;
		EACH_LINE(box->data, sizeof(box->data), _mm_clflushopt);
		box->flag = 1;
		_mm_clflushopt((void *)&box->flag);
		_mm_sfence();
	} else {
		await(&box->flag, 1);
		drop((void *)box->data, sizeof(box->data));
		printf("%lu\n", box->data[15]);
	}
	return 0;
}
