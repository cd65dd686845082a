// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stores that somebody may still see. Most are overwritten soon: what no line refers to any more is
 * collected when the number of records has doubled.
 */
#include "analyser.h"

#include <string.h>

#define FIRST_COLLECTION (1U << 20)

struct record *records;
static unsigned char *marks;
static rec_t used = 1, room, next_free; /* free ones are chained by `snapshot` */
static uint32_t live, limit = FIRST_COLLECTION;

static void grow(void)
{
	rec_t larger = room ? 2 * room : 1024;
	records = more(records, larger, sizeof(*records));
	marks = more(marks, larger, 1);
	memset(records + room, 0, (larger - room) * sizeof(*records));
	memset(marks + room, 0, larger - room);
	room = larger;
}

/* Record 0 is there from then on: what lay in the pool before anybody stored. */
void record_start(void)
{
	grow();
}

static rec_t place(void)
{
	rec_t found = next_free;
	if (found) {
		next_free = records[found].snapshot;
		return found;
	}
	if (used >= room)
		grow();
	return used++;
}

rec_t record_new(const struct stream_event *event, rec_t instead)
{
	uint32_t snapshot = snapshot_of(event->node);
	rec_t record = instead ? instead : place();
	records[record] = (struct record){
		.seq = event->seq,
		.pc = event->pc,
		.offset = event->offset,
		.space = event->space,
		.thread = event->thread,
		.value = event->value,
		.done = NEVER,
		.snapshot = snapshot,
		.size = event->size,
		.node = event->node,
		.kind = event->kind,
	};
	live += !instead;
	return record;
}

void record_mark(rec_t record)
{
	marks[record] = 1;
}

bool record_is_time(void)
{
	return live >= limit;
}

static void sweep(void)
{
	next_free = 0;
	live = 0;
	for (rec_t i = used - 1; i; i--) {
		if (marks[i]) {
			live++;
			snapshot_mark(records[i].snapshot);
		} else {
			records[i].snapshot = next_free;
			next_free = i;
		}
	}
}

void record_collect(void)
{
	memset(marks, 0, room);
	cache_mark();
	sweep();
	snapshot_collect();
	limit = live > FIRST_COLLECTION / 2 ? 2 * live : FIRST_COLLECTION;
}
