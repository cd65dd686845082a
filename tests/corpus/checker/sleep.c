// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t data[8] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	meet(0);
	if (me == 1) {
		for (int i = 0; i < 8; i++)
			box->data[i] = i + 1;
		keep((void *)box, sizeof(*box));
	} else {
		usleep(300000);
		drop((void *)box, sizeof(*box));
		printf("%lu\n", box->data[0] + box->data[7]);
	}
	return 0;
}
