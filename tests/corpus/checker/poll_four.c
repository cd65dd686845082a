// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

int main(int argc, char *argv[])
{
	struct {
		volatile uint64_t v;
	} LINE *f = start(argc, argv);
	if (me == 1) {
		for (int i = 0; i < 4; i++) {
			f[i].v = 1;
			flush(&f[i], 8);
		}
		return 0;
	}
	usleep(100000);
	for (int i = 0; i < 4; i++)
		await(&f[i].v, 1);
	return 0;
}
