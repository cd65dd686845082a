// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct log {
	uint64_t tail LINE;
	struct {
		uint64_t number;
		char text[56];
	} LINE entry[64];
};

static void append(struct log *log, const char *text, int last)
{
	uint64_t at = add(&log->tail, 1);
	log->entry[at].number = at;
	memcpy(log->entry[at].text, text, 16);
	if (!last)
		keep(&log->entry[at], 64);
}

int main(int argc, char *argv[])
{
	struct log *log = start(argc, argv);
	for (int i = 0; i < 5; i++)
		append(log, "an entry of ours", i == 4);
	return 0;
}
