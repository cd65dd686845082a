/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded queue of messages of one size, for any number of producers and consumers on any nodes.
 *
 * First in, first out. A message is completely in the queue or not at all, whenever a producer
 * dies. A message leaves the queue when a consumer has copied it: if the consumer dies earlier, the
 * next consumer receives the message. A dead producer (consumer) delays the other producers
 * (consumers) until its death is noticed (pool.h).
 */
#ifndef FAMULUS_QUEUE_H
#define FAMULUS_QUEUE_H

#include <stdint.h>
#include <famulus/flush.h>
#include <famulus/sync.h>

/* The queue's head in the pool. The messages follow, each in lines of its own. */
struct fam_queue_head {
	struct fam_once once;
	uint64_t size, capacity; /* bytes of a message; maximum number of messages */
	uint64_t unused[6];
	struct fam_mutex push_lock, pop_lock;
	struct { /* `count`: messages ever pushed, ever popped */
		uint64_t count, waiters, unused[6];
	} pushed, popped; /* consumers wait for `pushed`, producers for `popped` */
} FAM_ALIGNED;

/* A process's handle of a queue. */
struct fam_queue {
	struct fam *fam;
	struct fam_queue_head *head;
	uint64_t size, capacity;
};

#define FAM_QUEUE_CELL(size) (((uint64_t)(size) + FAM_LINE - 1) / FAM_LINE * FAM_LINE)

/* The size of a queue in bytes. */
#define FAM_QUEUE_BYTES(size, capacity) \
	(sizeof(struct fam_queue_head) + FAM_QUEUE_CELL(size) * (uint64_t)(capacity))

/*
 * Use `memory` as a queue. The memory must be aligned to 64 bytes, and zeros before the first call.
 * The first call sets message size (bytes) and capacity (messages); later calls must pass the same
 * values (-EINVAL).
 */
int fam_queue_open(struct fam *fam, void *memory, uint64_t size, uint64_t capacity,
		   struct fam_queue *queue);

/* Wait for room, then append a message. -ETIMEDOUT: the queue stayed full. */
int fam_queue_push(struct fam_queue *queue, const void *message, int timeout);

/* Wait for a message, then take the first one. -ETIMEDOUT: the queue stayed empty. */
int fam_queue_pop(struct fam_queue *queue, void *message, int timeout);

/* Return the number of messages; other nodes may change it at once. */
uint64_t fam_queue_length(struct fam_queue *queue);

#endif
