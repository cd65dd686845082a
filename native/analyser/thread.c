// SPDX-License-Identifier: GPL-2.0-or-later
#include "thread.h"

#include "memory.h"

#define THREADS 1024

static struct thread *threads[THREADS];

static unsigned place(uint8_t node, uint64_t space, uint64_t thread)
{
	uint64_t mixed = (space ^ thread << 1 ^ node) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(mixed >> 40) % THREADS;
}

static bool is_of(const struct thread *thread, const struct stream_event *event)
{
	return thread->node == event->node && thread->space == event->space &&
	       thread->thread == event->thread;
}

struct thread *thread_get(const struct stream_event *event)
{
	static struct thread *last;
	if (last && is_of(last, event))
		return last;
	struct thread **first = &threads[place(event->node, event->space, event->thread)];
	for (struct thread *thread = *first; thread; thread = thread->next)
		if (is_of(thread, event))
			return last = thread;
	struct thread *thread = allocate(sizeof(*thread));
	thread->node = event->node;
	thread->space = event->space;
	thread->thread = event->thread;
	thread->next = *first;
	return *first = thread;
}

static struct pending *find(struct thread *thread, const struct line *line)
{
	for (unsigned i = thread->count; i-- > 0;)
		if (thread->pending[i].copy->line == line)
			return &thread->pending[i];
	return NULL;
}

void thread_add_pending(const struct stream_event *event, struct copy *copy, uint64_t bytes)
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
	pending->bytes = bytes && (pending->bytes || pending->pushed || !pending->flush.seq)
				 ? pending->bytes | bytes
				 : 0;
	pending->pushed = false;
	pending->flush = flush_of(event);
}

struct pending *thread_pending_of_node(uint8_t node, const struct line *line)
{
	for (unsigned i = 0; i < THREADS; i++)
		for (struct thread *thread = threads[i]; thread; thread = thread->next) {
			struct pending *found = thread->node == node ? find(thread, line) : NULL;
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
	for (unsigned i = 0; i < THREADS; i++)
		for (struct thread *thread = threads[i]; thread; thread = thread->next)
			if (thread->node == node && (!space || thread->space == space))
				visit(thread);
}
