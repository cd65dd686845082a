// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct account {
	uint64_t lock LINE;
	volatile int64_t balance LINE;
};

static void pay(struct account *account, int64_t sum)
{
	lock(&account->lock);
	drop((void *)&account->balance, 8);
	account->balance = account->balance + sum;
	unlock(&account->lock);
}

int main(int argc, char *argv[])
{
	struct account *account = start(argc, argv);
	meet(0);
	for (int i = 0; i < 20; i++)
		pay(account, me);
	meet(1);
	drop((void *)&account->balance, 8);
	printf("%ld\n", account->balance);
	return 0;
}
