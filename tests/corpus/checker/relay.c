// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t turn LINE;
	volatile uint64_t data LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	for (uint64_t round = 0; round < 10; round++) {
		uint64_t mine = round * (uint64_t)all + (uint64_t)me - 1;
		if (mine)
			await(&box->turn, mine);
		drop((void *)&box->data, 8);
		box->data = box->data + (uint64_t)me;
		keep((void *)&box->data, 8);
		box->turn = mine + 1;
		keep((void *)&box->turn, 8);
	}
	return 0;
}
