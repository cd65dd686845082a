// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct log {
	uint64_t tail LINE;
	uint64_t lock LINE;
	struct {
		volatile uint64_t number, sum;
	} LINE entry[40];
};

int main(int argc, char *argv[])
{
	struct log *log = start(argc, argv);
	uint64_t wrong = 0;
	meet(0);
	for (uint64_t i = 0; i < 10; i++) {
		lock(&log->lock);
		uint64_t at = look(&log->tail);
		log->entry[at].number = at;
		log->entry[at].sum = 31 * at;
		keep((void *)&log->entry[at], 64);
		add(&log->tail, 1);
		unlock(&log->lock);
	}
	meet(1);
	for (uint64_t i = 0; i < look(&log->tail); i++) {
		drop((void *)&log->entry[i], 64);
		wrong += log->entry[i].number * 31 != log->entry[i].sum;
	}
	printf("%lu wrong\n", wrong);
	return 0;
}
