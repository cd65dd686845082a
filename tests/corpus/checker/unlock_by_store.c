// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct account {
	volatile uint64_t lock LINE;
	volatile int64_t balance LINE;
};

int main(int argc, char *argv[])
{
	struct account *account = start(argc, argv);
	meet(0);
	for (int i = 0; i < 20; i++) {
		lock((uint64_t *)&account->lock);
		drop((void *)&account->balance, 8);
		account->balance = account->balance + 5;
		keep((void *)&account->balance, 8);
		account->lock = 0;
		flush((void *)&account->lock, 8);
	}
	return 0;
}
