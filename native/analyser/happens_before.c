// SPDX-License-Identifier: GPL-2.0-or-later
#include "happens_before.h"

#include "clock.h"
#include "memory.h"
#include "sizes.h"

/* The clocks that the locked instructions on one word have released. */
struct sync {
	uint64_t clock[NODES]; /* acquired by the next locked instruction */
	uint64_t locked[NODES]; /* the part that was released by locked instructions alone */
	struct record store; /* of the last release */
};

#define HALF \
	UINT64_C(4) /* bytes: smaller locks share a sync with their neighbours in the 4 bytes */

static uint64_t by_lock[NODES][NODES]; /* clocks by locked instructions alone */
static struct edge edges[NODES][NODES];
static struct map syncs; /* by number of HALF */
static uint8_t highest; /* of the nodes that took part */

bool hb_knows(uint8_t node, const struct record *store)
{
	return store->node == node || store->seq <= clock_of(node, store->node);
}

static void learn(uint8_t node, uint8_t of, uint64_t seq, const struct record *store,
		  const struct stream_event *load)
{
	if (of == node || seq <= clock_of(node, of))
		return;
	edges[node][of] = (struct edge){*store, *load, clock_of(node, of)};
	clock_set(node, of, seq);
}

static void note_node(uint8_t node)
{
	highest = node > highest ? node : highest;
}

void hb_observe(uint8_t node, const struct record *store, const struct stream_event *load)
{
	note_node(node);
	note_node(store->node);
	learn(node, store->node, store->seq, store, load);
	for (uint8_t of = 1; of <= highest; of++)
		if (of != store->node)
			learn(node, of, snapshot_at(store->snapshot, of), store, load);
}

bool hb_knows_by_lock(uint8_t node, const struct record *store)
{
	return store->node == node || store->seq <= by_lock[node][store->node];
}

const struct edge *hb_edge(uint8_t node, uint8_t of)
{
	return &edges[node][of];
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct sync *sync_of(uint64_t offset)
{
	uint64_t hash = map_hash(offset / HALF);
	struct sync *sync = map_find(&syncs, hash, NULL, NULL);
	if (!sync) {
		sync = allocate(sizeof(*sync));
		insert(&syncs, hash, sync);
	}
	return sync;
}

static void acquire(const struct stream_event *event, uint64_t offset)
{
	struct sync *sync = sync_of(offset);
	for (uint8_t of = 1; of <= highest; of++) {
		learn(event->node, of, sync->clock[of], &sync->store, event);
		by_lock[event->node][of] = later(by_lock[event->node][of], sync->locked[of]);
	}
}

static void release(const struct stream_event *event, uint64_t offset, const struct record *store)
{
	struct sync *sync = sync_of(offset);
	for (uint8_t of = 1; of <= highest; of++) {
		sync->clock[of] = later(sync->clock[of], clock_of(event->node, of));
		sync->locked[of] = later(sync->locked[of], by_lock[event->node][of]);
	}
	sync->clock[event->node] = sync->locked[event->node] = event->seq;
	if (store)
		sync->store = *store;
}

void hb_acquire(const struct stream_event *event)
{
	note_node(event->node);
	for (uint64_t at = event->offset & -HALF; at < event->offset + event->size; at += HALF)
		acquire(event, at);
}

void hb_release(const struct stream_event *event, const struct record *store)
{
	note_node(event->node);
	for (uint64_t at = event->offset & -HALF; at < event->offset + event->size; at += HALF)
		release(event, at, store);
}
