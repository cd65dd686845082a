// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct list {
	uint64_t head LINE;
	struct {
		uint64_t value, next;
	} LINE node[8];
};

int main(int argc, char *argv[])
{
	struct list *list = start(argc, argv);
	uint64_t sum = 0, old;
	if (me == 1) {
		for (uint64_t i = 1; i < 8; i++) {
			list->node[i].value = i * i;
			do {
				old = look(&list->head);
				list->node[i].next = old;
			} while (!change(&list->head, old, i));
		}
		meet(0);
		meet(1);
		keep(list->node, sizeof(list->node));
		return 0;
	}
	meet(0);
	for (uint64_t i = look(&list->head); i; i = list->node[i].next) {
		drop(&list->node[i], 64);
		sum += list->node[i].value;
	}
	printf("%lu\n", sum);
	meet(1);
	return 0;
}
