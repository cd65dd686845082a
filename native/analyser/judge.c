// SPDX-License-Identifier: GPL-2.0-or-later
/* What is wrong with a flush or an exit, and what the other judges share. */
#include "judge.h"

struct stream_event event_of(const struct record *record)
{
	return (struct stream_event){.seq = record->seq,
				     .pc = record->pc,
				     .offset = record->offset,
				     .space = record->space,
				     .thread = record->thread,
				     .value = record->value,
				     .size = record->size,
				     .kind = record->kind,
				     .node = record->node};
}

/* Do both have the same bytes where they overlap? Of each the first 8 are known; -1: none of them. */
int same_value(const struct record *store, uint64_t offset, unsigned size, uint64_t value)
{
	uint64_t from = store->offset > offset ? store->offset : offset;
	uint64_t store_end = store->offset + (store->size < 8 ? store->size : 8);
	uint64_t end = offset + (size < 8 ? size : 8);
	if (store_end < end)
		end = store_end;
	if (from >= end)
		return -1;
	uint64_t differ = store->value >> 8 * (from - store->offset) ^ value >> 8 * (from - offset);
	return end - from == 8 ? differ == 0
			       : (differ & ((UINT64_C(1) << 8 * (end - from)) - 1)) == 0;
}

static uint64_t overlap(const struct record *store, const struct stream_event *event)
{
	return bytes_mask(store->offset, store->size) & bytes_mask(event->offset, event->size);
}

struct finding finding_of(enum kind kind, const struct record *store,
			  const struct stream_event *event, const struct line *line)
{
	return (struct finding){.kind = kind,
				.first = event_of(store),
				.second = *event,
				.flush = line->flush,
				.bytes = overlap(store, event),
				.line = line->number * LINE};
}

static void note_flush(enum kind kind, const struct stream_event *event, const struct line *line)
{
	struct finding finding = {
		.kind = kind, .first = *event, .flush = line->flush, .line = line->number * LINE};
	defect_report(&finding);
}

void judge_flush(const struct stream_event *event, struct line *line, struct copy *copy)
{
	if (!notes)
		return;
	if (event->kind == STREAM_CLWB && (!copy || !copy->dirty))
		note_flush(CLEAN_WRITE_BACK, event, line);
	if (copy && copy->idle_flush)
		note_flush(DOUBLE_FLUSH, event, line);
	if (copy)
		copy->idle_flush = 1;
}

static void left_alone(enum kind kind, const struct record *store, const struct line *line,
		       const char *note)
{
	struct finding finding = {.kind = kind,
				  .first = event_of(store),
				  .flush = line->flush,
				  .bytes = bytes_mask(store->offset, store->size),
				  .line = line->number * LINE,
				  .note = note};
	defect_report(&finding);
}

/* Was it ordered by nothing, or only by what the C library does on its way out? */
static bool is_unfenced(const struct thread *thread, const struct record *store)
{
	bool left = store->done == NEVER || (thread->implied && store->done == thread->implied);
	return store->seq && store->flushed && left && store->space == thread->space;
}

static void thread_ends(struct thread *thread)
{
	for (unsigned i = 0; i < thread->count; i++) {
		struct copy *copy = thread->pending[i].copy;
		rec_t before = 0;
		for (unsigned g = 0; g < line_granules(copy->line); g++) {
			rec_t last = copy_last(copy, g);
			if (last != before && is_unfenced(thread, &records[last]))
				left_alone(
					MISSING_FENCE, &records[last], copy->line,
					"its process ended without a fence after the write-back");
			before = last;
		}
	}
	thread->gone = true;
}

void judge_exit(const struct stream_event *event)
{
	thread_each(event->node, event->space, thread_ends);
	for (struct copy *copy = copies_of[event->node]; copy; copy = copy->next_of_node) {
		rec_t before = 0;
		for (unsigned g = 0; copy->dirty && g < line_granules(copy->line); g++) {
			const struct record *store = &records[copy->seen[g]];
			if (is_dirty(copy, g) && copy->seen[g] != before && !store->flushed &&
			    store->space == event->space)
				left_alone(UNFLUSHED_AT_EXIT, store, copy->line,
					   "its process ended without writing it back");
			before = copy->seen[g];
		}
	}
}
