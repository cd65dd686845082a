// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct account {
	uint64_t lock LINE;
	volatile int64_t balance[8] LINE;
};

int main(int argc, char *argv[])
{
	struct account *account = start(argc, argv);
	meet(0);
	for (int i = 0; i < 10 && me == 1; i++) {
		lock(&account->lock);
		account->balance[0] = account->balance[0] + 5;
		if (i < 9)
			keep((void *)account->balance, 8);
		unlock(&account->lock);
	}
	return 0;
}
