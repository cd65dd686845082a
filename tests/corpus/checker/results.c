// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct result {
	volatile uint64_t sum LINE;
};

int main(int argc, char *argv[])
{
	struct result *result = start(argc, argv);
	uint64_t sum = 0;
	for (int i = 0; i < 1000; i++)
		sum += (uint64_t)(i * me);
	result[me].sum = sum;
	return 0;
}
