// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct s {
	uint64_t seq LINE;
	volatile uint64_t w[160] LINE;
};

int main(int argc, char *argv[])
{
	struct s *s = start(argc, argv);
	uint64_t torn = 0, before, first, bad;
	meet(0);
	for (uint64_t i = 1; i < 25; i++) {
		if (me == 1) {
			add(&s->seq, 1);
			for (int k = 0; k < 160; k++)
				s->w[k] = i;
			keep((void *)s->w, sizeof(s->w));
			add(&s->seq, 1);
			usleep(100);
			continue;
		}
		do {
			while ((before = look(&s->seq)) & 1)
				;
			drop((void *)s->w, sizeof(s->w));
			first = s->w[0];
			bad = 0;
			for (int k = 1; k < 160; k++)
				bad += s->w[k] != first;
		} while (look(&s->seq) != before);
		torn += bad;
	}
	printf("%lu\n", torn);
	return 0;
}
