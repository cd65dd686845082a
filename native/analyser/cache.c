// SPDX-License-Identifier: GPL-2.0-or-later
/* What each event does to the caches, as the plugin does it to the nodes' images. */
#include "analyser.h"

#include <string.h>

static void fetch(struct copy *copy)
{
	unsigned granules = line_granules(copy->line);
	if (copy->held)
		return;
	if (copy->line->pool)
		memcpy(copy->seen, copy->line->pool, granules * sizeof(rec_t));
	else if (copy->line->shared)
		memset(copy->seen, 0, granules * sizeof(rec_t));
	copy->held = true;
	copy->fetch++;
}

static void write_back(struct copy *copy)
{
	struct line *line = copy->line;
	if (!copy->dirty)
		return;
	judge_write_back(copy);
	rec_t *pool = line_pool(line);
	for (unsigned g = 0; g < line_granules(line); g++)
		if (is_dirty(copy, g))
			pool[g] = copy->seen[g];
	copy->dirty = 0;
}

static void push(struct pending *pending)
{
	if (pending->pushed)
		return;
	write_back(pending->copy);
	if (pending->flush.kind != STREAM_CLWB)
		pending->copy->held = false;
	pending->pushed = true;
}

static void finish(struct copy *copy, uint64_t begun, uint64_t seq)
{
	for (unsigned g = 0; g < line_granules(copy->line); g++) {
		struct record *store = &records[copy_last(copy, g)];
		if (store->seq && store->seq <= begun && store->done == NEVER && store->flushed)
			store->done = seq;
	}
}

static void begin(struct copy *copy, const struct stream_event *event)
{
	for (unsigned g = 0; g < line_granules(copy->line); g++) {
		struct record *store = &records[copy_last(copy, g)];
		if (store->seq && !store->flushed) {
			store->flushed = event->seq;
			store->flush_pc = event->pc;
		}
	}
}

static void fence(const struct stream_event *event)
{
	struct thread *thread = thread_get(event);
	for (unsigned i = 0; i < thread->count; i++) {
		push(&thread->pending[i]);
		finish(thread->pending[i].copy, thread->pending[i].flush.seq, event->seq);
	}
	if (event->kind == STREAM_LOCKED && event->offset == STREAM_NO_OFFSET)
		thread->implied = event->seq;
	else
		thread->count = 0;
}

static void load(const struct stream_event *event)
{
	struct line *line = line_get(event->offset);
	struct copy *copy = copy_get(line, event->node);
	copy->idle_flush = 0;
	fetch(copy);
	judge_load(event, copy, copy->seen);
}

static void split_if_part(const struct stream_event *event, struct line *line)
{
	if ((event->offset | event->size) & 7)
		line_split(line);
}

/* The record of a store that this one overwrites, if nothing else refers to it; or 0. */
static rec_t overwritten(const struct copy *copy, const struct stream_event *event)
{
	const struct line *line = copy->line;
	rec_t old = copy->seen[event->offset % LINE >> line->shift];
	const struct record *store = &records[old];
	if (line->shared || store->node != event->node || store->offset != event->offset ||
	    store->size != event->size)
		return 0;
	EACH_GRANULE(g, line, event->offset, event->size)
	if (line->pool && line->pool[g] == old)
		return 0;
	return old;
}

static struct copy *store(const struct stream_event *event)
{
	struct line *line = line_get(event->offset);
	split_if_part(event, line);
	struct copy *copy = copy_get(line, event->node);
	copy->idle_flush = 0;
	fetch(copy);
	judge_store(event, copy);
	rec_t record = record_new(event, overwritten(copy, event));
	EACH_GRANULE(g, line, event->offset, event->size)
	{
		copy->seen[g] = record;
		if (copy->last)
			copy->last[g] = record;
	}
	copy->dirty |= bytes_mask(event->offset, event->size);
	copy->newest = record;
	return copy;
}

static void store_past_the_cache(const struct stream_event *event)
{
	struct copy *copy = store(event);
	struct record *record = &records[copy->seen[event->offset % LINE >> copy->line->shift]];
	record->flushed = event->seq;
	record->flush_pc = event->pc;
	thread_pend(thread_get(event), copy, event, bytes_mask(event->offset, event->size));
}

/* It acts on the pool: what the node has stored in the line goes there first, and it keeps none. */
static void locked(const struct stream_event *event)
{
	struct line *line = line_get(event->offset);
	fence(event);
	split_if_part(event, line);
	struct copy *copy = copy_get(line, event->node);
	begin(copy, event);
	finish(copy, event->seq, event->seq);
	write_back(copy);
	copy->held = false;
	fetch(copy);
	order_acquire(event);
	judge_load(event, copy, line_pool(line));
	copy->held = false;
	held_locked(event);
	if (event->value == event->old && event->size <= 8) {
		order_release(event, NULL);
		return;
	}
	judge_store(event, copy);
	rec_t record = record_new(event, 0);
	records[record].flushed = records[record].done = event->seq;
	records[record].flush_pc = event->pc;
	EACH_GRANULE(g, line, event->offset, event->size)
	{
		copy->seen[g] = line->pool[g] = record;
		if (copy->last)
			copy->last[g] = record;
	}
	order_release(event, &records[record]);
}

static void flush(const struct stream_event *event)
{
	struct line *line = line_get(event->offset);
	struct copy *copy = copy_find(line, event->node);
	judge_flush(event, line, copy);
	line->flush = (struct flush){event->seq,    event->pc,   event->space,
				     event->thread, event->node, event->kind};
	if (!copy)
		return;
	begin(copy, event);
	if (event->kind != STREAM_CLFLUSH) {
		thread_pend(thread_get(event), copy, event, 0);
		return;
	}
	finish(copy, event->seq, event->seq);
	write_back(copy);
	copy->held = false;
}

static void pushed(const struct stream_event *event)
{
	struct line *line = line_find(event->offset);
	struct pending *pending = line ? pending_by(event, line) : NULL;
	if (pending)
		push(pending);
}

static void evicted(const struct stream_event *event)
{
	struct line *line = line_find(event->offset);
	struct copy *copy = line ? copy_find(line, event->node) : NULL;
	if (!copy)
		return;
	write_back(copy);
	copy->held = false;
}

static void all_lines(const struct stream_event *event, bool write)
{
	for (struct copy *copy = copies_of[event->node]; copy; copy = copy->next_of_node) {
		if (write && event->kind == STREAM_WBINVD) {
			begin(copy, event);
			finish(copy, event->seq, event->seq);
		}
		if (write)
			write_back(copy);
		copy->dirty = 0;
		copy->held = false;
	}
}

static void each_part(const struct stream_event *event,
		      void (*act)(const struct stream_event *event))
{
	struct stream_event part = *event;
	unsigned left = event->size, room = LINE - event->offset % LINE;
	if (event->offset == STREAM_NO_OFFSET || !event->size)
		return;
	while (left > room) {
		part.size = (uint16_t)room;
		act(&part);
		part.offset += room;
		part.value = room < 8 ? event->value >> 8 * room : 0;
		left -= room;
		room = LINE;
	}
	part.size = (uint16_t)left;
	act(&part);
}

static void store_part(const struct stream_event *event)
{
	(void)store(event);
}

void cache_event(const struct stream_event *event)
{
	if (event->kind >= STREAM_LOAD && event->kind <= STREAM_CLWB &&
	    event->offset != STREAM_NO_OFFSET)
		thread_goes_on(event);
	switch (event->kind) {
	case STREAM_LOAD: each_part(event, load); break;
	case STREAM_STORE: each_part(event, store_part); break;
	case STREAM_STORE_NT: each_part(event, store_past_the_cache); break;
	case STREAM_LOCKED:
		event->offset == STREAM_NO_OFFSET ? fence(event) : each_part(event, locked);
		break;
	case STREAM_CLFLUSH:
	case STREAM_CLFLUSHOPT:
	case STREAM_CLWB:
		if (event->offset != STREAM_NO_OFFSET)
			flush(event);
		break;
	case STREAM_SFENCE:
	case STREAM_MFENCE: fence(event); break;
	case STREAM_PUSHED: pushed(event); break;
	case STREAM_EVICTED: evicted(event); break;
	case STREAM_WBINVD: all_lines(event, true); break;
	case STREAM_NODE_DOWN: all_lines(event, event->value == 0); break;
	case STREAM_PROCESS: process_begins(event); break;
	case STREAM_EXIT: process_ends(event); break;
	default: break;
	}
}

static void mark(struct line *line)
{
	for (struct copy *copy = line->copies; copy; copy = copy->next)
		record_mark(copy->newest);
	for (unsigned g = 0; g < line_granules(line); g++) {
		if (line->pool)
			record_mark(line->pool[g]);
		for (struct copy *copy = line->copies; copy; copy = copy->next) {
			record_mark(copy->seen[g]);
			if (copy->last)
				record_mark(copy->last[g]);
		}
	}
}

void cache_mark(void)
{
	line_each(mark);
}
