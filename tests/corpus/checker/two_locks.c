// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct account {
	uint64_t lock LINE;
	uint64_t other LINE;
	volatile int64_t balance LINE;
};

int main(int argc, char *argv[])
{
	struct account *account = start(argc, argv);
	uint64_t *mine = me == 1 ? &account->lock : &account->other;
	meet(0);
	for (int i = 0; i < 20; i++) {
		lock(mine);
		drop((void *)&account->balance, 8);
		account->balance = account->balance + 1;
		usleep(50);
		keep((void *)&account->balance, 8);
		unlock(mine);
	}
	return 0;
}
