// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	long long data[8] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	meet(0);
	if (me == 1) {
		for (int i = 0; i < 8; i++)
			_mm_stream_si64(&box->data[i], 7 * i);
		_mm_sfence();
		box->flag = 1;
		_mm_clflush((void *)&box->flag);
	} else {
		await(&box->flag, 1);
		drop(box->data, sizeof(box->data));
		printf("%lld\n", ((volatile long long *)box->data)[7]);
	}
	return 0;
}
