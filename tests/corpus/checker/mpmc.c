// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

#define CELLS 8
struct queue {
	uint64_t lock LINE;
	uint64_t pushed LINE;
	uint64_t popped LINE;
	struct {
		volatile uint64_t from, value;
	} LINE cell[CELLS];
};

static int push(struct queue *queue, uint64_t value)
{
	lock(&queue->lock);
	uint64_t number = look(&queue->pushed);
	int room = number - look(&queue->popped) < CELLS;
	if (room) {
		queue->cell[number % CELLS].from = (uint64_t)me;
		queue->cell[number % CELLS].value = value;
		keep((void *)&queue->cell[number % CELLS], 64);
		add(&queue->pushed, 1);
	}
	unlock(&queue->lock);
	return room;
}

static int pop(struct queue *queue, uint64_t *sum)
{
	lock(&queue->lock);
	uint64_t number = look(&queue->popped);
	int there = look(&queue->pushed) > number;
	if (there) {
		drop((void *)&queue->cell[number % CELLS], 64);
		*sum += queue->cell[number % CELLS].value;
		add(&queue->popped, 1);
	}
	unlock(&queue->lock);
	return there;
}

int main(int argc, char *argv[])
{
	struct queue *queue = start(argc, argv);
	uint64_t sum = 0;
	for (uint64_t i = 0; i < 12; i++) {
		while (!push(queue, i))
			usleep(100);
		while (!pop(queue, &sum))
			usleep(100);
	}
	printf("%lu\n", sum);
	return 0;
}
