// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	uint64_t flag LINE;
	volatile uint32_t data[8] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	if (me == 1) {
		for (int i = 0; i < 8; i++)
			box->data[i] = i + 1;
		swap(&box->flag, 1);
		meet(0);
		flush((void *)box->data, sizeof(box->data));
	} else {
		while (!look(&box->flag))
			usleep(100);
		drop((void *)box->data, sizeof(box->data));
		printf("%u\n", box->data[7]);
		meet(0);
	}
	return 0;
}
