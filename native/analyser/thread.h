/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of nodes: the write-backs that each thread has begun and that no fence of the thread has
 * ordered. */
#ifndef ANALYSER_THREAD_H
#define ANALYSER_THREAD_H

#include "line.h"

/* A write-back that the thread's next fence completes. */
struct pending {
	struct copy *copy;
	struct flush flush;
	bool pushed; /* the bytes have reached the pool */
};

struct thread {
	struct thread *next_of_node;
	uint64_t space, thread;
	struct pending *pending;
	unsigned count, room; /* elements of `pending` */
	uint64_t implied; /* seq of a locked instruction, not on the pool, that ordered `pending` */
	uint8_t node;
	bool gone; /* the process has ended */
};

struct thread *thread_get(const struct stream_event *event);

/* Note a write-back of `copy`, begun by a flush or a non-temporal store. */
void thread_add_pending(const struct stream_event *event, struct copy *copy);

/* A pending write-back of `line` that is not pushed; NULL: none. The second prefers the event's
 * thread. */
struct pending *thread_pending_of_node(uint8_t node, const struct line *line);
struct pending *thread_pending_for(const struct stream_event *event, const struct line *line);

/* The thread accesses the pool: an implied fence before was a fence of the program. */
void thread_continues(const struct stream_event *event);

/* Visit the threads of a node's process; `space` 0: of all its processes. */
void thread_each(uint8_t node, uint64_t space, void (*visit)(struct thread *thread));

#endif
