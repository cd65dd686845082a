// SPDX-License-Identifier: GPL-2.0-or-later
#include "judge_load.h"

#include "clock.h"
#include "defect.h"
#include "happens_before.h"
#include "race.h"
#include "section.h"
#include "thread.h"

/* Loads in a row of one old copy, with a newer store in the pool, that make a stale read. */
#define SPINS 100

static void add_flag(struct finding *finding, const struct edge *edge)
{
	finding->flag = record_event(&edge->store);
	finding->flag_load = edge->load;
}

/* If the node knows of the store by a plain load alone, the reader may yet discard that load. */
static void report(const struct finding *finding, const struct record *store)
{
	uint8_t node = finding->second.node;
	if (hb_knows(node, store) && !hb_knows_by_lock(node, store))
		section_add(finding);
	else
		defect_report(finding);
}

static void stale(const struct record *store, const struct stream_event *event,
		  const struct line *line, const char *note)
{
	struct finding finding = finding_of(STALE_READ, store, event, line);
	if (hb_knows(event->node, store))
		add_flag(&finding, hb_edge(event->node, store->node));
	finding.note = note;
	report(&finding, store);
}

static const char *why_stale(const struct record *store)
{
	if (!store->flushed)
		return "the store has not been written back";
	return store->done == NEVER ? "the store's write-back is not complete"
				    : "the reader holds an older copy of the line";
}

/* The node knows of the store: was the write-back complete when the flag was stored? */
static void publication(const struct record *store, const struct stream_event *event,
			const struct line *line)
{
	const struct edge *edge = hb_edge(event->node, store->node);
	uint64_t published = clock_of(event->node, store->node);
	bool in_one_line =
		edge->store.node == store->node && edge->store.offset / LINE == line->number;
	if (store->kind == STREAM_LOCKED || store->seq == published || in_one_line)
		return;
	if (store->done <= published) {
		if (edge->store.seq && edge->store.kind != STREAM_LOCKED &&
		    store->seq > edge->before)
			race_add_flag(edge);
		return;
	}
	bool begun = store->flushed && store->flushed <= published;
	struct finding finding =
		finding_of(begun ? MISSING_FENCE : UNFLUSHED_PUBLICATION, store, event, line);
	add_flag(&finding, edge);
	finding.note = begun ? "no fence between the write-back and the store of the flag"
		       : store->flushed ? "written back only after the flag was stored"
					: "not written back";
	report(&finding, store);
}

static bool has_ended(const struct record *store)
{
	struct stream_event event = record_event(store);
	return thread_get(&event)->gone;
}

/* Nothing orders the two, so an old value may be right for a while. */
static void spinning(const struct record *store, const struct stream_event *event,
		     struct copy *copy, unsigned granule)
{
	struct reading *reading = copy_reading(copy, granule);
	const struct line *line = copy->line;
	bool in_pool = line->pool && record_at(line->pool[granule])->seq >= store->seq;
	bool again = reading->pc == event->pc && reading->fetch == copy->fetch;
	if (!in_pool && store->kind != STREAM_LOCKED && has_ended(store))
		stale(store, event, line, "its process ended without a write-back of the store");
	else if (in_pool && again && ++reading->repeats == SPINS)
		stale(store, event, line, "read again and again from the same old copy");
}

static void unfenced(const struct stream_event *event, struct copy *copy, rec_t pool)
{
	struct pending *pending = thread_pending_of_node(event->node, copy->line);
	if (!pending || pending->flush.kind != STREAM_CLFLUSHOPT ||
	    record_at(pool)->node == event->node)
		return;
	struct finding finding = finding_of(MISSING_FENCE, record_at(pool), event, copy->line);
	finding.flush = pending->flush;
	finding.note = "no fence between the invalidation and the load";
	defect_report(&finding);
}

static void compare(const struct record *store, const struct record *seen,
		    const struct stream_event *event, struct copy *copy, unsigned granule)
{
	bool older = seen->seq < store->seq;
	if (hb_knows(event->node, store)) {
		if (older && same_value(store, event->offset, event->size, event->value) != 1)
			stale(store, event, copy->line, why_stale(store));
		publication(store, event, copy->line);
		return;
	}
	if (event->kind == STREAM_LOCKED)
		return;
	if (store->kind != STREAM_LOCKED)
		section_suspect(store, event, copy->line);
	if (older)
		spinning(store, event, copy, granule);
}

static bool is_word(const struct stream_event *event)
{
	return event->size <= 8 && event->offset % event->size == 0;
}

/* The node that last stored the granule; 0: none; NODES - 1 stands for the loading node itself. */
static uint8_t writer(const struct stream_event *event, const struct copy *copy, unsigned granule)
{
	const struct record *latest = record_at(copy_last(copy, granule));
	for (struct copy *other = copy->line->copies; other; other = other->next) {
		const struct record *store = record_at(copy_last(other, granule));
		if (store->seq > latest->seq)
			latest = store;
	}
	return latest->node == event->node ? NODES - 1 : latest->node;
}

/*
 * A poll loads the same word by the same instruction, from a new fetch of the line. Between both
 * loads the node loads no other word of the same writer and does not store the polled word. A word
 * loaded between, which no node has stored yet, may later turn out to be the same writer's.
 */
static void notice_poll(const struct stream_event *event, struct copy *copy, unsigned granule)
{
	static struct {
		uint64_t offset, seq;
	} last[NODES][NODES]; /* by node and writer: the last load */
	struct reading *reading = copy_reading(copy, granule);
	uint8_t by = writer(event, copy, granule);
	bool again = reading->size && last[event->node][by].seq <= reading->seq;
	bool unsure = by && last[event->node][0].seq > reading->seq;
	if (again && is_word(event) && reading->pc == event->pc &&
	    reading->offset == event->offset && reading->fetch != copy->fetch &&
	    record_at(copy_last(copy, granule))->seq < reading->seq)
		race_add_poll(event, by, unsure ? last[event->node][0].offset : STREAM_NO_OFFSET);
	last[event->node][by].offset = event->offset;
	last[event->node][by].seq = event->seq;
}

static void remember(const struct stream_event *event, struct copy *copy)
{
	EACH_GRANULE(g, copy->line, event->offset, event->size) {
		struct reading *reading = copy_reading(copy, g);
		bool same = reading->pc == event->pc && reading->fetch == copy->fetch;
		*reading = (struct reading){event->seq,
					    event->pc,
					    event->offset,
					    event->space,
					    event->thread,
					    copy->fetch,
					    same ? reading->repeats : 0,
					    event->size};
	}
}

static void observe(const struct stream_event *event, struct copy *copy, const rec_t *view)
{
	EACH_GRANULE(g, copy->line, event->offset, event->size) {
		struct record *seen = record_at(view[g]);
		if (seen->seq && is_word(event) && !hb_knows(event->node, seen) &&
		    (event->kind == STREAM_LOCKED ||
		     same_value(seen, event->offset, event->size, event->value) != 0))
			hb_observe(event->node, seen, event);
	}
}

static void compare_with_others(const struct stream_event *event, struct copy *copy,
				const rec_t *view)
{
	for (struct copy *other = copy->line->copies; other; other = other->next) {
		rec_t before = 0;
		if (other == copy)
			continue;
		EACH_GRANULE(g, copy->line, event->offset, event->size) {
			rec_t store = copy_last(other, g);
			if (store && store != before)
				compare(record_at(store), record_at(view[g]), event, copy, g);
			before = store;
		}
	}
}

void judge_load(const struct stream_event *event, struct copy *copy, const rec_t *view)
{
	unsigned first = event->offset % LINE >> copy->line->shift;
	rec_t pool = copy->line->pool ? copy->line->pool[first] : 0;
	section_load(event);
	if (copy->line->shared)
		compare_with_others(event, copy, view);
	observe(event, copy, view);
	if (event->kind == STREAM_LOCKED)
		return;
	if (pool && pool != view[first] && !copy->dirty)
		unfenced(event, copy, pool);
	notice_poll(event, copy, first);
	remember(event, copy);
}
