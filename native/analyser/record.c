// SPDX-License-Identifier: GPL-2.0-or-later
#include "record.h"

#include "clock.h"
#include "memory.h"
#include "sizes.h"

#include <string.h>

#define FIRST_COLLECTION (1U << 20)

static struct record *records; /* free ones are chained by `snapshot` */
static unsigned char *marks;
static rec_t used = 1, room, next_free;
static uint32_t live, limit = FIRST_COLLECTION;

static void grow(void)
{
	rec_t larger = room ? 2 * room : 1024;
	records = resize(records, larger, sizeof(*records));
	marks = resize(marks, larger, 1);
	memset(records + room, 0, (larger - room) * sizeof(*records));
	memset(marks + room, 0, larger - room);
	room = larger;
}

void record_start(void)
{
	grow();
}

struct record *record_at(rec_t record)
{
	return &records[record];
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

struct record record_of(const struct stream_event *event)
{
	return (struct record){.seq = event->seq,
			       .pc = event->pc,
			       .offset = event->offset,
			       .space = event->space,
			       .thread = event->thread,
			       .value = event->value,
			       .done = NEVER,
			       .size = event->size,
			       .node = event->node,
			       .kind = event->kind};
}

rec_t record_new(const struct stream_event *event, rec_t reused)
{
	uint32_t snapshot = snapshot_of(event->node);
	rec_t record = reused ? reused : place();
	records[record] = record_of(event);
	records[record].snapshot = snapshot;
	live += !reused;
	return record;
}

struct stream_event record_event(const struct record *record)
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

bool record_collection_is_due(void)
{
	return live >= limit || snapshot_is_due();
}

void record_clear_marks(void)
{
	memset(marks, 0, room);
}

void record_mark(rec_t record)
{
	marks[record] = 1;
}

static void free_unmarked(void)
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

void record_sweep(void)
{
	free_unmarked();
	snapshot_collect();
	limit = live > FIRST_COLLECTION / 2 ? 2 * live : FIRST_COLLECTION;
}
