// SPDX-License-Identifier: GPL-2.0-or-later
#include "line.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

static struct copy *copies_of[NODES];
static struct map lines; /* by number */

struct line *line_find(uint64_t offset)
{
	static struct line *last; /* most accesses are to the line of the access before */
	uint64_t number = offset / LINE;
	if (last && last->number == number)
		return last;
	struct line *line = map_find(&lines, map_hash(number), NULL, NULL);
	if (line)
		last = line;
	return line;
}

struct line *line_get(uint64_t offset)
{
	struct line *line = line_find(offset);
	if (line)
		return line;
	line = allocate(sizeof(*line));
	line->number = offset / LINE;
	line->shift = 3;
	insert(&lines, map_hash(line->number), line);
	return line;
}

unsigned line_granules(const struct line *line)
{
	return LINE >> line->shift;
}

rec_t *line_pool(struct line *line)
{
	if (!line->pool)
		line->pool = allocate(line_granules(line) * sizeof(*line->pool));
	return line->pool;
}

static void split(void *array, size_t element)
{
	char **old = array;
	if (!*old)
		return;
	char *split = allocate(LINE * element);
	for (unsigned byte = 0; byte < LINE; byte++)
		memcpy(split + byte * element, *old + byte / 8 * element, element);
	free(*old);
	*old = split;
}

void line_split(struct line *line)
{
	if (!line->shift)
		return;
	split(&line->pool, sizeof(rec_t));
	for (struct copy *copy = line->copies; copy; copy = copy->next) {
		split(&copy->seen, sizeof(rec_t));
		split(&copy->last, sizeof(rec_t));
		split(&copy->readings, sizeof(struct reading));
	}
	line->shift = 0;
}

struct copy *copy_find(const struct line *line, uint8_t node)
{
	for (struct copy *copy = line->copies; copy; copy = copy->next)
		if (copy->node == node)
			return copy;
	return NULL;
}

static bool covers(const struct reading *reading, unsigned granule, unsigned shift)
{
	unsigned from = reading->offset % LINE;
	return reading->size && granule >= from >> shift &&
	       granule <= (from + reading->size - 1) >> shift;
}

/* A line of a single node needs neither array: the copy holds the node's own stores. */
static void share(struct copy *copy)
{
	unsigned granules = line_granules(copy->line);
	copy->last = allocate(granules * sizeof(*copy->last));
	copy->readings = allocate(granules * sizeof(*copy->readings));
	for (unsigned i = 0; i < granules; i++) {
		if (record_at(copy->seen[i])->node == copy->node)
			copy->last[i] = copy->seen[i];
		if (covers(&copy->reading, i, copy->line->shift))
			copy->readings[i] = copy->reading;
	}
}

struct copy *copy_get(struct line *line, uint8_t node)
{
	struct copy *copy = copy_find(line, node);
	if (copy)
		return copy;
	copy = allocate(sizeof(*copy));
	copy->node = node;
	copy->line = line;
	copy->seen = allocate(line_granules(line) * sizeof(*copy->seen));
	copy->next = line->copies;
	copy->next_of_node = copies_of[node];
	copies_of[node] = line->copies = copy;
	if (line->shared)
		share(copy);
	else if (copy->next) {
		line->shared = true;
		for (struct copy *each = copy; each; each = each->next)
			share(each);
	}
	return copy;
}

struct copy *copy_first_of(uint8_t node)
{
	return copies_of[node];
}

struct reading *copy_reading(struct copy *copy, unsigned granule)
{
	return copy->readings ? &copy->readings[granule] : &copy->reading;
}

rec_t copy_last(const struct copy *copy, unsigned granule)
{
	rec_t seen = copy->seen[granule];
	if (copy->last)
		return copy->last[granule];
	return record_at(seen)->node == copy->node ? seen : 0;
}

rec_t line_last_store(uint64_t offset, uint8_t node)
{
	const struct line *line = line_find(offset);
	const struct copy *copy = line ? copy_find(line, node) : NULL;
	return copy ? copy_last(copy, offset % LINE >> line->shift) : 0;
}

bool copy_is_dirty(const struct copy *copy, unsigned granule)
{
	return copy->dirty >> (granule << copy->line->shift) & 1;
}

static void mark(const struct line *line)
{
	for (const struct copy *copy = line->copies; copy; copy = copy->next)
		record_mark(copy->newest);
	for (unsigned g = 0; g < line_granules(line); g++) {
		if (line->pool)
			record_mark(line->pool[g]);
		for (const struct copy *copy = line->copies; copy; copy = copy->next) {
			record_mark(copy->seen[g]);
			if (copy->last)
				record_mark(copy->last[g]);
		}
	}
}

void line_collect_records(void)
{
	record_clear_marks();
	MAP_EACH(slot, &lines)
		mark(slot->entry);
	record_sweep();
}
