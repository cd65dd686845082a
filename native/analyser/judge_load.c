// SPDX-License-Identifier: GPL-2.0-or-later
/* What is wrong with a load, by what is known of its line. */
#include "judge.h"

#define SPINS \
	100 /* loads of one old copy, with something newer in the pool, that are no accident */

static void add_flag(struct finding *finding, const struct edge *edge)
{
	finding->flag = event_of(&edge->store);
	finding->flag_load = edge->load;
}

/* What is known by a plain load alone may be thrown away with that load. */
static void report(const struct finding *finding, const struct record *store)
{
	uint8_t node = finding->second.node;
	if (order_knows(node, store) && !order_is_sure(node, store))
		held_add(finding);
	else
		defect_report(finding);
}

static void stale(const struct record *store, const struct stream_event *event, struct line *line,
		  const char *note)
{
	struct finding finding = finding_of(STALE_READ, store, event, line);
	if (order_knows(event->node, store))
		add_flag(&finding, &edges[event->node][store->node]);
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

/* The load knows of the store: was it written back before that which told of it was stored? */
static void publication(const struct record *store, const struct stream_event *event,
			struct line *line)
{
	const struct edge *edge = &edges[event->node][store->node];
	uint64_t told = known[event->node][store->node];
	bool in_one_line =
		edge->store.node == store->node && edge->store.offset / LINE == line->number;
	if (store->kind == STREAM_LOCKED || store->seq == told || in_one_line)
		return;
	if (store->done <= told) {
		if (edge->store.seq && edge->store.kind != STREAM_LOCKED &&
		    store->seq > edge->before)
			race_flag(edge);
		return;
	}
	bool begun = store->flushed && store->flushed <= told;
	struct finding finding =
		finding_of(begun ? MISSING_FENCE : UNFLUSHED_PUBLICATION, store, event, line);
	add_flag(&finding, edge);
	finding.note = begun            ? "no fence between the write-back and what told of it"
		       : store->flushed ? "written back only after the flag was stored"
					: "not written back";
	report(&finding, store);
}

static bool has_ended(const struct record *store)
{
	struct stream_event event = event_of(store);
	return thread_get(&event)->gone;
}

/* Nothing orders the two, so an old value may be right; but not for ever. */
static void spinning(const struct record *store, const struct stream_event *event,
		     struct copy *copy, unsigned granule)
{
	struct reading *reading = copy_reading(copy, granule);
	struct line *line = copy->line;
	bool in_pool = line->pool && records[line->pool[granule]].seq >= store->seq;
	bool again = reading->pc == event->pc && reading->fetch == copy->fetch;
	if (!in_pool && store->kind != STREAM_LOCKED && has_ended(store))
		stale(store, event, line, "its process ended without writing it back");
	else if (in_pool && again && ++reading->repeats == SPINS)
		stale(store, event, line, "read again and again from one old copy");
}

static void unfenced(const struct stream_event *event, struct copy *copy, rec_t pool)
{
	struct pending *pending = pending_of(event->node, copy->line);
	if (!pending || pending->flush.kind != STREAM_CLFLUSHOPT ||
	    records[pool].node == event->node)
		return;
	struct finding finding = finding_of(MISSING_FENCE, &records[pool], event, copy->line);
	finding.flush = pending->flush;
	finding.note = "no fence between the invalidation and the load";
	defect_report(&finding);
}

static void look(const struct record *store, const struct record *seen,
		 const struct stream_event *event, struct copy *copy, unsigned granule)
{
	bool older = seen->seq < store->seq;
	if (order_knows(event->node, store)) {
		if (older && same_value(store, event->offset, event->size, event->value) != 1)
			stale(store, event, copy->line, why_stale(store));
		publication(store, event, copy->line);
		return;
	}
	if (event->kind == STREAM_LOCKED)
		return;
	if (store->kind != STREAM_LOCKED)
		race_suspect(store, event, copy->line);
	if (older)
		spinning(store, event, copy, granule);
}

static bool is_word(const struct stream_event *event)
{
	return event->size <= 8 && event->offset % event->size == 0;
}

/* The node that stored last what the event loads, other than its own; 0: nobody. */
static uint8_t writer(const struct stream_event *event, const struct copy *copy, unsigned granule)
{
	const struct record *latest = &records[copy_last(copy, granule)];
	for (struct copy *other = copy->line->copies; other; other = other->next) {
		const struct record *store = &records[copy_last(other, granule)];
		if (store->seq > latest->seq)
			latest = store;
	}
	return latest->node == event->node ? NODES - 1 : latest->node;
}

/*
 * A poll: the same word, by the same instruction, fetched anew, with nothing else of its writer's loaded
 * and nothing stored to it in between. What nobody has stored yet may turn out to be its writer's.
 */
static void notice_poll(const struct stream_event *event, struct copy *copy, unsigned granule)
{
	static struct {
		uint64_t offset, seq;
	} last[NODES][NODES]; /* loads of what a node had stored */
	struct reading *reading = copy_reading(copy, granule);
	uint8_t by = writer(event, copy, granule);
	bool again = reading->size && last[event->node][by].seq <= reading->seq;
	bool unsure = by && last[event->node][0].seq > reading->seq;
	if (again && is_word(event) && reading->pc == event->pc &&
	    reading->offset == event->offset && reading->fetch != copy->fetch &&
	    records[copy_last(copy, granule)].seq < reading->seq)
		race_poll(event, by, unsure ? last[event->node][0].offset : STREAM_NO_OFFSET);
	last[event->node][by].offset = event->offset;
	last[event->node][by].seq = event->seq;
}

static void remember(const struct stream_event *event, struct copy *copy)
{
	EACH_GRANULE(g, copy->line, event->offset, event->size)
	{
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

static void see(const struct stream_event *event, struct copy *copy, const rec_t *view)
{
	EACH_GRANULE(g, copy->line, event->offset, event->size)
	{
		struct record *seen = &records[view[g]];
		if (seen->seq && is_word(event) && !order_knows(event->node, seen) &&
		    (event->kind == STREAM_LOCKED ||
		     same_value(seen, event->offset, event->size, event->value) != 0))
			order_saw(event->node, seen, event);
	}
}

static void look_at_others(const struct stream_event *event, struct copy *copy, const rec_t *view)
{
	for (struct copy *other = copy->line->copies; other; other = other->next) {
		rec_t before = 0;
		if (other == copy)
			continue;
		EACH_GRANULE(g, copy->line, event->offset, event->size)
		{
			rec_t store = copy_last(other, g);
			if (store && store != before)
				look(&records[store], &records[view[g]], event, copy, g);
			before = store;
		}
	}
}

void judge_load(const struct stream_event *event, struct copy *copy, const rec_t *view)
{
	unsigned first = event->offset % LINE >> copy->line->shift;
	rec_t pool = copy->line->pool ? copy->line->pool[first] : 0;
	held_load(event);
	if (copy->line->shared)
		look_at_others(event, copy, view);
	see(event, copy, view);
	if (event->kind == STREAM_LOCKED)
		return;
	if (pool && pool != view[first] && !copy->dirty)
		unfenced(event, copy, pool);
	notice_poll(event, copy, first);
	remember(event, copy);
}
