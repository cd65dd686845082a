// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Happens-before. A node is one agent: its threads share a coherent cache, and are in the order in
 * which they ran. Clocks are sequence numbers, which all nodes share: node j knows what node i did up to
 * known[j][i].
 *
 * There are two edges. A locked instruction takes what earlier ones on the same word left there, and
 * leaves what its node knows. A plain load takes what a node knew when it stored
 * what is loaded.
 */
#include "analyser.h"

#include <string.h>

struct sync {
	struct sync *next;
	uint64_t word, clock[NODES], sure[NODES];
	struct record store;
};

#define SYNC_BITS 14
#define HALF      UINT64_C(4) /* bytes: locks of less are one with their neighbours in it */
#define SNAPSHOTS (1U << 16) /* of 520 bytes each, until those not in use are collected */

uint64_t known[NODES][NODES];
static uint64_t sure[NODES][NODES]; /* the same by locked instructions alone */
struct edge edges[NODES][NODES];
static struct sync *syncs[1 << SYNC_BITS];
static uint8_t highest; /* of the nodes that took part */
static uint64_t (*snapshots)[NODES];
static unsigned char *marks;
static uint32_t used = 1, room, next_free, taken, current[NODES];

static uint32_t place(void)
{
	uint32_t found = next_free;
	if (found) {
		next_free = (uint32_t)snapshots[found][0];
		return found;
	}
	if (used >= room) {
		room = room ? 2 * room : 64;
		snapshots = more(snapshots, room, sizeof(*snapshots));
		marks = more(marks, room, 1);
		memset(snapshots[used], 0, (room - used) * sizeof(*snapshots));
	}
	return used++;
}

uint32_t snapshot_of(uint8_t node)
{
	if (!current[node]) {
		current[node] = place();
		taken++;
		memcpy(snapshots[current[node]], known[node], sizeof(*snapshots));
	}
	return current[node];
}

uint64_t snapshot_at(uint32_t snapshot, uint8_t node)
{
	return snapshot ? snapshots[snapshot][node] : 0;
}

bool snapshot_is_time(void)
{
	return taken >= SNAPSHOTS;
}

void snapshot_mark(uint32_t snapshot)
{
	marks[snapshot] = 1;
}

void snapshot_collect(void)
{
	for (unsigned node = 0; node < NODES; node++)
		marks[current[node]] = 1;
	next_free = 0;
	for (uint32_t i = used - 1; i; i--) {
		if (!marks[i]) {
			snapshots[i][0] = next_free;
			next_free = i;
		}
	}
	memset(marks, 0, room);
	taken = 0;
}

bool order_knows(uint8_t node, const struct record *store)
{
	return store->node == node || store->seq <= known[node][store->node];
}

static void learn(uint8_t node, uint8_t of, uint64_t seq, const struct record *store,
		  const struct stream_event *load)
{
	if (of == node || seq <= known[node][of])
		return;
	edges[node][of] = (struct edge){*store, *load, known[node][of]};
	known[node][of] = seq;
	current[node] = 0;
}

static void meet(uint8_t node)
{
	highest = node > highest ? node : highest;
}

void order_saw(uint8_t node, const struct record *store, const struct stream_event *load)
{
	meet(node);
	meet(store->node);
	learn(node, store->node, store->seq, store, load);
	for (uint8_t of = 1; of <= highest; of++)
		if (of != store->node)
			learn(node, of, snapshot_at(store->snapshot, of), store, load);
}

bool order_is_sure(uint8_t node, const struct record *store)
{
	return store->node == node || store->seq <= sure[node][store->node];
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct sync *sync_of(uint64_t offset)
{
	uint64_t word = offset / HALF;
	struct sync **place = &syncs[word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SYNC_BITS)];
	for (struct sync *sync = *place; sync; sync = sync->next)
		if (sync->word == word)
			return sync;
	struct sync *sync = get(sizeof(*sync));
	sync->word = word;
	sync->next = *place;
	return *place = sync;
}

static void acquire(const struct stream_event *event, uint64_t offset)
{
	struct sync *sync = sync_of(offset);
	for (uint8_t of = 1; of <= highest; of++) {
		learn(event->node, of, sync->clock[of], &sync->store, event);
		sure[event->node][of] = later(sure[event->node][of], sync->sure[of]);
	}
}

static void release(const struct stream_event *event, uint64_t offset, const struct record *store)
{
	struct sync *sync = sync_of(offset);
	for (uint8_t of = 1; of <= highest; of++) {
		sync->clock[of] = later(sync->clock[of], known[event->node][of]);
		sync->sure[of] = later(sync->sure[of], sure[event->node][of]);
	}
	sync->clock[event->node] = sync->sure[event->node] = event->seq;
	if (store)
		sync->store = *store;
}

void order_acquire(const struct stream_event *event)
{
	meet(event->node);
	for (uint64_t at = event->offset & -HALF; at < event->offset + event->size; at += HALF)
		acquire(event, at);
}

void order_release(const struct stream_event *event, const struct record *store)
{
	meet(event->node);
	for (uint64_t at = event->offset & -HALF; at < event->offset + event->size; at += HALF)
		release(event, at, store);
}
