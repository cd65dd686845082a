// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

#define CELLS 4
struct queue {
	volatile uint64_t pushed LINE;
	volatile uint64_t popped LINE;
	struct {
		volatile uint64_t text[8];
	} cell[CELLS] LINE;
};

static void push(struct queue *queue, uint64_t number)
{
	if (number >= CELLS)
		await(&queue->popped, number - CELLS + 1);
	for (int i = 0; i < 8; i++)
		queue->cell[number % CELLS].text[i] = 100 * number + i;
	keep((void *)&queue->cell[number % CELLS], 64);
	queue->pushed = number + 1;
	keep((void *)&queue->pushed, 8);
}

static uint64_t pop(struct queue *queue, uint64_t number)
{
	uint64_t value = 0;
	await(&queue->pushed, number + 1);
	drop((void *)&queue->cell[number % CELLS], 64);
	for (int i = 0; i < 8; i++)
		value += queue->cell[number % CELLS].text[i];
	queue->popped = number + 1;
	keep((void *)&queue->popped, 8);
	return value;
}

int main(int argc, char *argv[])
{
	struct queue *queue = start(argc, argv);
	uint64_t sum = 0;
	for (uint64_t i = 0; i < 5 * CELLS; i++)
		if (me == 1)
			push(queue, i);
		else if (me == 2)
			sum += pop(queue, i);
	printf("%lu\n", sum);
	return 0;
}
