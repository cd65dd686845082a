// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct log {
	uint64_t tail LINE;
	struct {
		uint64_t number, sum;
	} LINE entry[16];
};

static void append(struct log *log, uint64_t number)
{
	uint64_t at = look(&log->tail);
	log->entry[at].number = number;
	log->entry[at].sum = number * 31;
	add(&log->tail, 1);
	keep(&log->entry[at], 64);
}

int main(int argc, char *argv[])
{
	struct log *log = start(argc, argv);
	uint64_t wrong = 0;
	meet(0);
	for (uint64_t i = 0; i < 16; i++)
		if (me == 1) {
			append(log, i + 1);
		} else if (me == 2) {
			while (look(&log->tail) <= i)
				usleep(50);
			drop(&log->entry[i], 64);
			wrong += log->entry[i].number * 31 != log->entry[i].sum ||
				 !log->entry[i].sum;
		}
	printf("%lu wrong\n", wrong);
	return 0;
}
