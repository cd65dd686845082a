// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct count {
	uint64_t lock LINE;
	volatile uint64_t count LINE;
};

int main(int argc, char *argv[])
{
	struct count *shared = start(argc, argv);
	meet(0);
	for (int i = 0; i < 50; i++) {
		lock(&shared->lock);
		drop((void *)&shared->count, 8);
		shared->count = shared->count + 1;
		keep((void *)&shared->count, 8);
		unlock(&shared->lock);
	}
	meet(1);
	drop((void *)&shared->count, 8);
	printf("%lu\n", shared->count);
	return 0;
}
