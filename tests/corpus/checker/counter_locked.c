// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

int main(int argc, char *argv[])
{
	uint64_t *count = start(argc, argv);
	for (int i = 0; i < 500; i++)
		add(count, 1);
	meet(0);
	printf("%lu\n", look(count));
	return 0;
}
