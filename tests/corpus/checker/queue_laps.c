// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

#define CELLS 4
struct queue {
	uint64_t pushed LINE;
	uint64_t popped LINE;
	struct {
		volatile uint64_t text[8];
	} cell[CELLS] LINE;
};

static void push(struct queue *queue, uint64_t value)
{
	uint64_t number = look(&queue->pushed);
	while (number - look(&queue->popped) == CELLS)
		usleep(100);
	for (int i = 0; i < 8; i++)
		queue->cell[number % CELLS].text[i] = value + i;
	keep((void *)&queue->cell[number % CELLS], 64);
	add(&queue->pushed, 1);
}

static uint64_t pop(struct queue *queue)
{
	uint64_t number = look(&queue->popped), value = 0;
	while (look(&queue->pushed) == number)
		usleep(100);
	for (int i = 0; i < 8; i++)
		value += queue->cell[number % CELLS].text[i];
	add(&queue->popped, 1);
	return value;
}

int main(int argc, char *argv[])
{
	struct queue *queue = start(argc, argv);
	uint64_t sum = 0;
	for (int i = 0; i < 3 * CELLS; i++)
		if (me == 1)
			push(queue, 100 * i);
		else if (me == 2)
			sum += pop(queue);
	printf("%lu\n", sum);
	return 0;
}
