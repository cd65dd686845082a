/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded queue of messages of one size, for any number of producers and consumers on any nodes.
 *
 * First in, first out. A message is in the queue or not, whenever a producer dies; it leaves the queue
 * when a consumer has copied it, so that one who dies before that leaves it to the next. A dead one
 * holds up the others on its side until its death is noticed (pool.h).
 */
#ifndef FAMULUS_QUEUE_H
#define FAMULUS_QUEUE_H

#include <stdint.h>
#include <famulus/flush.h>
#include <famulus/sync.h>

/* How it lies in the pool; behind it the messages, each in lines of its own. */
struct fam_queue_head {
	struct fam_once once;
	uint64_t size, capacity; /* of a message, in bytes; messages */
	uint64_t unused[6];
	struct fam_mutex push_lock, pop_lock;
	struct { /* how many ever came */
		uint64_t count, waiters, unused[6];
	} pushed, popped; /* waited for by consumers, by producers */
} FAM_ALIGNED;

/* Where a process has it. */
struct fam_queue {
	struct fam *fam;
	struct fam_queue_head *head;
	uint64_t size, capacity;
};

#define FAM_QUEUE_CELL(size) (((uint64_t)(size) + FAM_LINE - 1) / FAM_LINE * FAM_LINE)

/* The bytes that a queue takes. */
#define FAM_QUEUE_BYTES(size, capacity) \
	(sizeof(struct fam_queue_head) + FAM_QUEUE_CELL(size) * (uint64_t)(capacity))

/*
 * Take `memory`, aligned to 64 bytes and zeros at first, as a queue. The first one decides about
 * message size and capacity; the others must say the same (-EINVAL).
 */
int fam_queue_open(struct fam *fam, void *memory, uint64_t size, uint64_t capacity,
		   struct fam_queue *queue);

/* Append a message, when there is room. -ETIMEDOUT: there was none. */
int fam_queue_push(struct fam_queue *queue, const void *message, int limit);

/* Take the first message, when there is one. -ETIMEDOUT: there was none. */
int fam_queue_pop(struct fam_queue *queue, void *message, int limit);

/* How many messages are in it; it may be otherwise when you read this. */
uint64_t fam_queue_length(struct fam_queue *queue);

#endif
