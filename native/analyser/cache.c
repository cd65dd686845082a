// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache.h"

#include "happens_before.h"
#include "judge_exit.h"
#include "judge_flush.h"
#include "judge_load.h"
#include "judge_store.h"
#include "line.h"
#include "process.h"
#include "section.h"
#include "thread.h"

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
		if (copy_is_dirty(copy, g))
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

static void complete_write_back(struct copy *copy, uint64_t begun, uint64_t seq)
{
	for (unsigned g = 0; g < line_granules(copy->line); g++) {
		struct record *store = record_at(copy_last(copy, g));
		if (store->seq && store->seq <= begun && store->done == NEVER && store->flushed)
			store->done = seq;
	}
}

static void begin_write_back(struct copy *copy, const struct stream_event *event)
{
	for (unsigned g = 0; g < line_granules(copy->line); g++) {
		struct record *store = record_at(copy_last(copy, g));
		if (store->seq && !store->flushed)
			store->flushed = event->seq;
	}
}

static void fence(const struct stream_event *event)
{
	struct thread *thread = thread_get(event);
	for (unsigned i = 0; i < thread->count; i++) {
		push(&thread->pending[i]);
		complete_write_back(thread->pending[i].copy, thread->pending[i].flush.seq,
				    event->seq);
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

/* The record of the store that `event` overwrites, if nothing else refers to the record; or 0. */
static rec_t overwritten(const struct copy *copy, const struct stream_event *event)
{
	const struct line *line = copy->line;
	rec_t old = copy->seen[event->offset % LINE >> line->shift];
	const struct record *store = record_at(old);
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
	EACH_GRANULE(g, line, event->offset, event->size) {
		copy->seen[g] = record;
		if (copy->last)
			copy->last[g] = record;
	}
	copy->dirty |= bytes_mask(event->offset, event->size);
	copy->newest = record;
	return copy;
}

static void store_non_temporal(const struct stream_event *event)
{
	struct copy *copy = store(event);
	struct record *record = record_at(copy->seen[event->offset % LINE >> copy->line->shift]);
	record->flushed = event->seq;
	thread_add_pending(event, copy);
}

/* A locked instruction acts on the pool: the node writes the line back first, and keeps no copy. */
static void locked(const struct stream_event *event)
{
	struct line *line = line_get(event->offset);
	fence(event);
	split_if_part(event, line);
	struct copy *copy = copy_get(line, event->node);
	begin_write_back(copy, event);
	complete_write_back(copy, event->seq, event->seq);
	write_back(copy);
	copy->held = false;
	fetch(copy);
	hb_acquire(event);
	judge_load(event, copy, line_pool(line));
	copy->held = false;
	section_locked(event);
	if (event->value == event->old && event->size <= 8) {
		hb_release(event, NULL);
		return;
	}
	judge_store(event, copy);
	rec_t record = record_new(event, 0);
	record_at(record)->flushed = record_at(record)->done = event->seq;
	EACH_GRANULE(g, line, event->offset, event->size) {
		copy->seen[g] = line->pool[g] = record;
		if (copy->last)
			copy->last[g] = record;
	}
	hb_release(event, record_at(record));
}

static void flush(const struct stream_event *event)
{
	struct line *line = line_get(event->offset);
	struct copy *copy = copy_find(line, event->node);
	judge_flush(event, line, copy);
	line->flush = flush_of(event);
	if (!copy)
		return;
	begin_write_back(copy, event);
	if (event->kind != STREAM_CLFLUSH) {
		thread_add_pending(event, copy);
		return;
	}
	complete_write_back(copy, event->seq, event->seq);
	write_back(copy);
	copy->held = false;
}

static void pushed(const struct stream_event *event)
{
	struct line *line = line_find(event->offset);
	struct pending *pending = line ? thread_pending_for(event, line) : NULL;
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
	for (struct copy *copy = copy_first_of(event->node); copy; copy = copy->next_of_node) {
		if (write && event->kind == STREAM_WBINVD) {
			begin_write_back(copy, event);
			complete_write_back(copy, event->seq, event->seq);
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

/* After execve(2), the stores that the process made by its old page tables are left. */
static void process(const struct stream_event *event)
{
	uint64_t left = process_begins(event);
	if (left)
		judge_exit(event->node, left);
}

void cache_event(const struct stream_event *event)
{
	if (event->kind >= STREAM_LOAD && event->kind <= STREAM_CLWB &&
	    event->offset != STREAM_NO_OFFSET)
		thread_continues(event);
	switch (event->kind) {
	case STREAM_LOAD: each_part(event, load); break;
	case STREAM_STORE: each_part(event, store_part); break;
	case STREAM_STORE_NT: each_part(event, store_non_temporal); break;
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
	case STREAM_PROCESS: process(event); break;
	case STREAM_EXIT: judge_exit(event->node, process_space(event)); break;
	default: break;
	}
}
