// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	volatile uint64_t data[20] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	uint64_t sum = 0;
	if (me == 1) {
		for (int i = 0; i < 20; i++)
			box->data[i] = i;
		keep((void *)box->data, sizeof(box->data));
		box->flag = 1;
		keep((void *)&box->flag, 8);
	} else {
		usleep(300000);
		await(&box->flag, 1);
		drop((void *)box->data, sizeof(box->data));
		for (int i = 0; i < 20; i++)
			sum += box->data[i];
		printf("%lu\n", sum);
	}
	return 0;
}
