// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One queue for all nodes: fabric_queue produce [N] pushes N messages; fabric_queue consume [N]
 * pops N messages and counts them by node.
 */
#include <famulus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 64
#define TIMEOUT  60000 /* milliseconds */
#define NODES    65

struct message {
	uint32_t node, number;
	char text[24];
};

static int produce(struct fam *fam, struct fam_queue *queue, uint32_t count)
{
	int result = 0;
	for (uint32_t i = 0; result == 0 && i < count; i++) {
		struct message message = {(uint32_t)fam_node(fam), i, ""};
		snprintf(message.text, sizeof(message.text), "message %u", i);
		result = fam_queue_push(queue, &message, TIMEOUT);
	}
	if (result == 0)
		printf("node %d produced %u\n", fam_node(fam), count);
	return result;
}

static int consume(struct fam *fam, struct fam_queue *queue, uint32_t count)
{
	static uint32_t from[NODES];
	int result = 0;
	for (uint32_t i = 0; result == 0 && i < count; i++) {
		struct message message;
		result = fam_queue_pop(queue, &message, TIMEOUT);
		if (result == 0)
			from[message.node % NODES]++;
	}
	for (uint32_t node = 0; node < NODES; node++)
		if (from[node])
			printf("node %d consumed %u of node %u\n", fam_node(fam), from[node], node);
	return result;
}

int main(int argc, char *argv[])
{
	struct fam *fam;
	struct fam_region *region;
	struct fam_queue queue;
	uint32_t count = argc > 2 ? (uint32_t)atol(argv[2]) : 1000;
	uint64_t bytes = FAM_QUEUE_BYTES(sizeof(struct message), CAPACITY);
	int result = fam_open(&fam, NULL);
	if (result == 0)
		result = fam_region_obtain(fam, "fabric_queue", bytes, 0660, &region);
	if (result == 0)
		result =
			fam_queue_open(fam, region->base, sizeof(struct message), CAPACITY, &queue);
	if (result == 0 && argc > 1 && strcmp(argv[1], "consume") == 0)
		result = consume(fam, &queue, count);
	else if (result == 0)
		result = produce(fam, &queue, count);
	if (result) {
		fprintf(stderr, "fabric_queue: %s\n", strerror(-result));
		return 1;
	}
	fam_region_close(region);
	fam_close(fam);
	return 0;
}
