// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct log {
	volatile uint64_t tail LINE;
	struct {
		volatile uint64_t number, sum;
	} LINE entry[16];
};

int main(int argc, char *argv[])
{
	struct log *log = start(argc, argv);
	uint64_t wrong = 0;
	meet(0);
	for (uint64_t i = 0; i < 16; i++)
		if (me == 1) {
			log->entry[i].number = i + 1;
			log->entry[i].sum = 31 * (i + 1);
			_mm_clwb((void *)&log->entry[i]);
			log->tail = i + 1;
			_mm_clwb((void *)&log->tail);
			_mm_sfence();
		} else if (me == 2) {
			await(&log->tail, i + 1);
			drop((void *)&log->entry[i], 64);
			wrong += log->entry[i].number * 31 != log->entry[i].sum;
		}
	printf("%lu wrong\n", wrong);
	return 0;
}
