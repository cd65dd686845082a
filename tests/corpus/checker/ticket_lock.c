// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct ticket {
	uint64_t next LINE;
	uint64_t serving LINE;
	volatile uint64_t data[2] LINE;
};

int main(int argc, char *argv[])
{
	struct ticket *ticket = start(argc, argv);
	for (int i = 0; i < 30; i++) {
		uint64_t mine = add(&ticket->next, 1);
		while (look(&ticket->serving) != mine)
			usleep(50);
		drop((void *)ticket->data, 16);
		ticket->data[0] += 1;
		ticket->data[1] += 2;
		keep((void *)ticket->data, 16);
		add(&ticket->serving, 1);
	}
	return 0;
}
