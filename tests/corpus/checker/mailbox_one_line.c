// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t data[6], flag;
} LINE;

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	if (me == 1) {
		for (int i = 0; i < 6; i++)
			box->data[i] = i + 1;
		box->flag = 1;
		flush(box, sizeof(*box));
	} else {
		await(&box->flag, 1);
		printf("%lu\n", box->data[5]);
	}
	return 0;
}
