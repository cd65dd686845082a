// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct s {
	uint64_t lock LINE;
	volatile uint64_t stop LINE;
	struct {
		volatile uint64_t a, b;
	} LINE d;
};

int main(int argc, char *argv[])
{
	struct s *s = start(argc, argv);
	uint64_t sum = 0;
	for (int i = 0; me == 2 || i < 20; i++) {
		if (me == 2) {
			drop((void *)&s->stop, 8);
			if (s->stop)
				break;
		}
		lock(&s->lock);
		drop(&s->d, 16);
		if (me == 1)
			s->d.a = s->d.a + 1;
		sum += s->d.a + s->d.b;
		keep(&s->d, 16);
		unlock(&s->lock);
		usleep(30);
	}
	if (me == 1) {
		s->stop = 1;
		keep((void *)&s->stop, 8);
	}
	printf("%lu\n", sum);
	return 0;
}
