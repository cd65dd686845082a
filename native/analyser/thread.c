// SPDX-License-Identifier: GPL-2.0-or-later
#include "thread.h"

#include "memory.h"

static struct map threads; /* by node, space and thread */
static struct thread *threads_of[NODES], **ends[NODES]; /* in the order of their first events */

static bool is_of(const void *entry, const void *key)
{
	const struct thread *thread = entry;
	const struct stream_event *event = key;
	return thread->node == event->node && thread->space == event->space &&
	       thread->thread == event->thread;
}

static struct thread *add(const struct stream_event *event, uint64_t hash)
{
	struct thread *thread = allocate(sizeof(*thread));
	thread->node = event->node;
	thread->space = event->space;
	thread->thread = event->thread;
	insert(&threads, hash, thread);
	if (!ends[thread->node])
		ends[thread->node] = &threads_of[thread->node];
	*ends[thread->node] = thread;
	ends[thread->node] = &thread->next_of_node;
	return thread;
}

struct thread *thread_get(const struct stream_event *event)
{
	static struct thread *last;
	if (last && is_of(last, event))
		return last;
	uint64_t hash =
		map_hash_more(map_hash_more(map_hash(event->space), event->thread), event->node);
	struct thread *thread = map_find(&threads, hash, is_of, event);
	return last = thread ? thread : add(event, hash);
}

static struct pending *find(struct thread *thread, const struct line *line)
{
	for (unsigned i = thread->count; i-- > 0;)
		if (thread->pending[i].copy->line == line)
			return &thread->pending[i];
	return NULL;
}

void thread_add_pending(const struct stream_event *event, struct copy *copy)
{
	struct thread *thread = thread_get(event);
	struct pending *pending = find(thread, copy->line);
	if (!pending) {
		if (thread->count == thread->room) {
			thread->room = thread->room ? 2 * thread->room : 16;
			thread->pending = resize(thread->pending, thread->room, sizeof(*pending));
		}
		pending = &thread->pending[thread->count++];
		*pending = (struct pending){.copy = copy};
	}
	pending->pushed = false;
	pending->flush = flush_of(event);
}

struct pending *thread_pending_of_node(uint8_t node, const struct line *line)
{
	for (struct thread *thread = threads_of[node]; thread; thread = thread->next_of_node) {
		struct pending *found = find(thread, line);
		if (found && !found->pushed)
			return found;
	}
	return NULL;
}

struct pending *thread_pending_for(const struct stream_event *event, const struct line *line)
{
	struct pending *own = find(thread_get(event), line);
	return own && !own->pushed ? own : thread_pending_of_node(event->node, line);
}

void thread_continues(const struct stream_event *event)
{
	struct thread *thread = thread_get(event);
	if (thread->implied)
		thread->count = 0;
	thread->implied = 0;
}

void thread_each(uint8_t node, uint64_t space, void (*visit)(struct thread *thread))
{
	for (struct thread *thread = threads_of[node]; thread; thread = thread->next_of_node)
		if (!space || thread->space == space)
			visit(thread);
}
