// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct account {
	uint64_t lock LINE;
	volatile int64_t balance LINE;
};

int main(int argc, char *argv[])
{
	struct account *account = start(argc, argv);
	meet(0);
	for (int i = 0; i < 20; i++) {
		if (me == 1)
			lock(&account->lock);
		drop((void *)&account->balance, 8);
		account->balance = account->balance + 1;
		usleep(50);
		keep((void *)&account->balance, 8);
		if (me == 1)
			unlock(&account->lock);
	}
	return 0;
}
