// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct list {
	uint64_t head LINE;
	struct {
		volatile uint64_t value, next;
	} LINE node[64];
};

int main(int argc, char *argv[])
{
	struct list *list = start(argc, argv);
	uint64_t sum = 0, old;
	for (uint64_t i = (uint64_t)me * 8; i < (uint64_t)me * 8 + 8; i++) {
		list->node[i].value = i;
		do {
			old = look(&list->head);
			list->node[i].next = old;
			keep((void *)&list->node[i], 64);
		} while (!change(&list->head, old, i));
	}
	meet(0);
	for (uint64_t i = look(&list->head); i;) {
		drop((void *)&list->node[i], 64);
		sum += list->node[i].value;
		i = list->node[i].next;
	}
	printf("%lu\n", sum);
	return 0;
}
