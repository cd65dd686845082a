// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

int main(int argc, char *argv[])
{
	volatile uint64_t *result = start(argc, argv);
	result[8 * me] = 1000 + me;
	_mm_clwb((void *)&result[8 * me]);
	return 0;
}
