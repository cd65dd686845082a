// SPDX-License-Identifier: GPL-2.0-or-later
#include "judge_store.h"

#include "clock.h"
#include "defect.h"
#include "happens_before.h"
#include "race.h"
#include "section.h"

static struct stream_event event_of_reading(const struct reading *reading, uint8_t node)
{
	return (struct stream_event){.seq = reading->seq,
				     .pc = reading->pc,
				     .offset = reading->offset,
				     .space = reading->space,
				     .thread = reading->thread,
				     .size = reading->size,
				     .kind = STREAM_LOAD,
				     .node = node};
}

static void lost(const struct record *gone, const struct stream_event *by, const struct line *line,
		 uint64_t bytes, const char *note)
{
	struct finding finding = finding_of(LOST_UPDATE, gone, by, line);
	finding.bytes = bytes;
	finding.note = note;
	defect_report(&finding);
}

/*
 * If nothing orders the stores of two nodes in one line, the copy that is written back last undoes
 * the other node's stores: on hardware even in bytes that its node did not store.
 */
static void one_line(const struct stream_event *event, const struct copy *other)
{
	const struct record *store = record_at(other->newest);
	if (!store->seq || event->kind == STREAM_LOCKED ||
	    (!other->dirty && hb_knows(event->node, store)))
		return;
	lost(store, event, other->line,
	     bytes_mask(store->offset, store->size) | bytes_mask(event->offset, event->size),
	     other->dirty ? "both nodes hold stores in one line that are not written back"
			  : "both nodes store in one line, and nothing orders the stores");
}

/* If only the load of a plain word orders the two accesses, the word is a flag. */
static void ordered_by_flag(uint8_t node, uint8_t other, uint64_t seq, uint64_t offset)
{
	const struct edge *edge = hb_edge(node, other);
	if (seq > edge->before && edge->store.seq && edge->store.kind != STREAM_LOCKED &&
	    edge->store.offset / LINE != offset / LINE)
		race_add_flag(edge);
}

static void conflict(const struct stream_event *event, struct copy *other, unsigned granule)
{
	const struct record *store = record_at(copy_last(other, granule));
	struct reading *reading = copy_reading(other, granule);
	struct record new = record_of(event);
	if (reading->size && reading->seq <= clock_of(event->node, other->node))
		ordered_by_flag(event->node, other->node, reading->seq, event->offset);
	else if (reading->size && event->kind != STREAM_LOCKED) {
		struct stream_event load = event_of_reading(reading, other->node);
		section_suspect(&new, &load, other->line);
	}
	if (store->seq && store->done <= clock_of(event->node, other->node))
		ordered_by_flag(event->node, other->node, store->seq, event->offset);
	if (store->seq && event->kind != STREAM_LOCKED && !hb_knows(event->node, store) &&
	    same_value(store, event->offset, event->size, event->value) != 1)
		section_suspect(store, event, other->line);
}

void judge_store(const struct stream_event *event, const struct copy *copy)
{
	const struct line *line = copy->line;
	if (!line->shared)
		return;
	for (struct copy *other = line->copies; other; other = other->next) {
		if (other == copy)
			continue;
		one_line(event, other);
		EACH_GRANULE(g, line, event->offset, event->size)
			conflict(event, other, g);
	}
}

static const struct record *some_dirty(const struct copy *copy)
{
	for (unsigned g = 0; g < line_granules(copy->line); g++)
		if (copy_is_dirty(copy, g))
			return record_at(copy->seen[g]);
	return record_at(0);
}

/* The write-back overwrites stores that reached the pool after the copy was fetched or while the
 * node changed the copy. */
void judge_write_back(const struct copy *copy)
{
	const struct line *line = copy->line;
	if (!line->pool)
		return;
	for (unsigned g = 0; g < line_granules(line); g++) {
		const struct record *pool = record_at(line->pool[g]),
				    *mine = record_at(copy->seen[g]);
		bool dirty = copy_is_dirty(copy, g);
		const struct record *by = dirty ? mine : some_dirty(copy);
		struct stream_event event = record_event(by);
		uint64_t knew = dirty ? snapshot_at(mine->snapshot, pool->node) : mine->seq;
		if (!pool->seq || pool->node == copy->node || pool->seq <= knew)
			continue;
		if (same_value(pool, mine->offset, mine->size, mine->value) == 1)
			continue;
		lost(pool, &event, line, bytes_mask(pool->offset, pool->size),
		     dirty ? "overwritten by a write-back whose node did not know of the store"
			   : "in the same line: on hardware, the write-back of an older copy of "
			     "the "
			     "line undoes the store");
	}
}
