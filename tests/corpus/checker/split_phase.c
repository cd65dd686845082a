// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct s {
	uint64_t count LINE;
	struct {
		volatile uint64_t v[8];
	} LINE cell[5];
};

int main(int argc, char *argv[])
{
	struct s *s = start(argc, argv);
	uint64_t sum = 0;
	meet(0);
	for (uint64_t r = 0; r < 6; r++) {
		s->cell[me].v[2] = 10 * r + 1;
		s->cell[me].v[3] = 10 * r + 2;
		keep(&s->cell[me], 64);
		add(&s->count, 1);
		drop(&s->cell[3 - me], 64);
		sum += s->cell[3 - me].v[2] + s->cell[3 - me].v[3];
		while (look(&s->count) < (r + 1) * (uint64_t)all)
			usleep(20);
	}
	printf("%lu\n", sum);
	return 0;
}
