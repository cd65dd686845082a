// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct node {
	volatile uint64_t next LINE;
	volatile uint64_t locked LINE;
};
struct s {
	uint64_t tail LINE;
	struct {
		volatile uint64_t v;
	} LINE count;
	struct node node[8];
};

static void acquire(struct s *s)
{
	struct node *mine = &s->node[me];
	mine->next = 0;
	keep((void *)&mine->next, 8);
	mine->locked = 1;
	keep((void *)&mine->locked, 8);
	uint64_t before = swap(&s->tail, me);
	if (!before)
		return;
	s->node[before].next = me;
	flush((void *)&s->node[before].next, 8);
	do {
		drop((void *)&mine->locked, 8);
		_mm_pause();
	} while (mine->locked);
}

static void release(struct s *s)
{
	struct node *mine = &s->node[me];
	drop((void *)&mine->next, 8);
	uint64_t next = mine->next;
	if (!next) {
		if (change(&s->tail, me, 0))
			return;
		do {
			drop((void *)&mine->next, 8);
		} while (!(next = mine->next));
	}
	s->node[next].locked = 0;
	flush((void *)&s->node[next].locked, 8);
}

int main(int argc, char *argv[])
{
	struct s *s = start(argc, argv);
	meet(0);
	for (int i = 0; i < 6; i++) {
		acquire(s);
		drop(&s->count, 8);
		s->count.v = s->count.v + 1;
		keep(&s->count, 8);
		usleep(3000);
		release(s);
	}
	return 0;
}
