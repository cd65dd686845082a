// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue: one lock for producers, one for consumers, and two counts between them. A message
 * counts only when all of its bytes are in the pool: the death of a lock's owner leaves nothing to
 * repair.
 */
#include "internal.h"

#include <errno.h>

static void *cell(const struct fam_queue *queue, uint64_t number)
{
	uint64_t at = number % queue->capacity * FAM_QUEUE_CELL(queue->size);
	return (char *)(queue->head + 1) + at;
}

uint64_t fam_queue_length(struct fam_queue *queue)
{
	uint64_t popped = fam_load64(&queue->head->popped.count);
	return fam_load64(&queue->head->pushed.count) - popped;
}

static int has_room(struct fam *fam, void *argument)
{
	struct fam_queue *queue = argument;
	(void)fam;
	return fam_queue_length(queue) < queue->capacity;
}

static int has_message(struct fam *fam, void *argument)
{
	(void)fam;
	return fam_queue_length(argument) > 0;
}

static void push(struct fam_queue *queue, const void *message)
{
	uint64_t number = fam_load64(&queue->head->pushed.count);
	libfam_copy_in(cell(queue, number), message, queue->size);
	fam_fetch_add64(&queue->head->pushed.count, 1);
}

static void pop(struct fam_queue *queue, void *message)
{
	uint64_t number = fam_load64(&queue->head->popped.count);
	libfam_copy_out(message, cell(queue, number), queue->size);
	fam_fetch_add64(&queue->head->popped.count, 1);
}

static int left(int timeout, int64_t deadline)
{
	int64_t rest = deadline - libfam_now();
	if (timeout < 0)
		return timeout;
	return rest > 0 ? (int)rest : 0;
}

/* One side of the queue: its condition, the waiters' words of both sides, its lock. */
struct side {
	libfam_step *ready;
	uint64_t *waits, *wakes;
	struct fam_mutex *lock;
};

/* Wait until the side is ready, and lock it. Returns 0, or an error without the lock. */
static int enter(struct fam_queue *queue, const struct side *side, int timeout)
{
	int64_t deadline = libfam_deadline(timeout);
	for (;;) {
		int result = libfam_await(queue->fam, side->waits, left(timeout, deadline),
					  side->ready, queue);
		if (result == 0)
			result = libfam_mutex_lock_any(queue->fam, side->lock,
						       left(timeout, deadline));
		if (result || side->ready(queue->fam, queue))
			return result;
		fam_mutex_unlock(queue->fam, side->lock);
	}
}

static int leave(struct fam_queue *queue, const struct side *side)
{
	libfam_wake(queue->fam, side->wakes);
	return fam_mutex_unlock(queue->fam, side->lock);
}

int fam_queue_push(struct fam_queue *queue, const void *message, int timeout)
{
	struct fam_queue_head *head = queue->head;
	struct side side = {has_room, &head->popped.waiters, &head->pushed.waiters,
			    &head->push_lock};
	int result = enter(queue, &side, timeout);
	if (result)
		return result;
	push(queue, message);
	return leave(queue, &side);
}

int fam_queue_pop(struct fam_queue *queue, void *message, int timeout)
{
	struct fam_queue_head *head = queue->head;
	struct side side = {has_message, &head->pushed.waiters, &head->popped.waiters,
			    &head->pop_lock};
	int result = enter(queue, &side, timeout);
	if (result)
		return result;
	pop(queue, message);
	return leave(queue, &side);
}

static int decide(void *argument)
{
	struct fam_queue *queue = argument;
	fam_store64(&queue->head->size, queue->size);
	fam_store64(&queue->head->capacity, queue->capacity);
	return 0;
}

int fam_queue_open(struct fam *fam, void *memory, uint64_t size, uint64_t capacity,
		   struct fam_queue *queue)
{
	struct fam_queue_head *head = memory;
	if (!size || !capacity || (uintptr_t)memory % FAM_LINE)
		return -EINVAL;
	*queue = (struct fam_queue){fam, head, size, capacity};
	int result = fam_once(fam, &head->once, decide, queue, 3 * fam_dead_after(fam));
	if (result)
		return result;
	bool same = fam_load64(&head->size) == size && fam_load64(&head->capacity) == capacity;
	return same ? 0 : -EINVAL;
}
