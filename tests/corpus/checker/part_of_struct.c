// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct record {
	volatile uint64_t head[8], body[8];
};
struct box {
	volatile uint64_t flag LINE;
	struct record record LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	meet(0);
	if (me == 1) {
		for (int i = 0; i < 8; i++)
			box->record.head[i] = box->record.body[i] = i + 7;
		keep(&box->record, 64);
		box->flag = 1;
		keep((void *)&box->flag, 8);
		meet(1);
		keep(&box->record, sizeof(box->record));
	} else {
		await(&box->flag, 1);
		drop(&box->record, sizeof(box->record));
		printf("%lu %lu\n", box->record.head[7], box->record.body[7]);
		meet(1);
	}
	return 0;
}
