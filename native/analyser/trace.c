// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace.h"

#include "memory.h"
#include "sizes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 200 /* lines in a live report */

static struct map tallies; /* by line and node */
static struct {
	uint64_t line;
	uint8_t node;
} last[1 << 16]; /* the node that last touched a line, by the line's hash */

static bool is_of(const void *entry, const void *key)
{
	const struct tally *tally = entry, *wanted = key;
	return tally->line == wanted->line && tally->node == wanted->node;
}

static struct tally *tally_of(uint64_t line, uint8_t node)
{
	struct tally wanted = {.line = line, .node = node};
	uint64_t hash = map_hash(line / LINE * NODES + node);
	struct tally *tally = map_find(&tallies, hash, is_of, &wanted);
	if (tally)
		return tally;
	tally = allocate(sizeof(*tally));
	*tally = wanted;
	insert(&tallies, hash, tally);
	return tally;
}

/* If two lines share an element of `last`, a hand-over may be missing, but none is invented. */
static void hand_over(struct tally *tally)
{
	uint64_t at = map_hash(tally->line / LINE * NODES) >> 16 & 0xffff;
	if (last[at].line == tally->line && last[at].node && last[at].node != tally->node)
		tally->handovers++;
	last[at].line = tally->line;
	last[at].node = tally->node;
}

static void count(const struct stream_event *event, uint64_t line, uint64_t bytes)
{
	struct tally *tally = tally_of(line, event->node);
	bool stores = event->kind != STREAM_LOAD;
	hand_over(tally);
	if (event->kind == STREAM_LOCKED)
		tally->locked++;
	else if (stores)
		tally->stores++;
	else
		tally->loads++;
	*(stores ? &tally->stored : &tally->loaded) |= bytes;
}

static void access(const struct stream_event *event)
{
	uint64_t offset = event->offset;
	for (unsigned left = event->size; left;) {
		unsigned room = LINE - offset % LINE, part = left < room ? left : room;
		count(event, offset / LINE * LINE, bytes_mask(offset, part));
		offset += part;
		left -= part;
	}
}

void trace_event(const struct stream_event *event)
{
	if (event->offset == STREAM_NO_OFFSET)
		return;
	switch (event->kind) {
	case STREAM_LOAD:
	case STREAM_STORE:
	case STREAM_STORE_NT:
	case STREAM_LOCKED: access(event); break;
	case STREAM_CLFLUSH:
	case STREAM_CLFLUSHOPT:
	case STREAM_CLWB: tally_of(event->offset / LINE * LINE, event->node)->flushes++; break;
	default: break;
	}
}

int trace_write(const char *path, uint64_t lost)
{
	struct trace_header header = {"FAMTRACE", TRACE_VERSION, sizeof(struct tally), lost};
	FILE *file = fopen(path, "wb");
	if (!file)
		return -1;
	fwrite(&header, sizeof(header), 1, file);
	MAP_EACH(slot, &tallies)
		fwrite(slot->entry, sizeof(struct tally), 1, file);
	return ferror(file) | fclose(file) ? -1 : 0;
}

static uint64_t weight(const struct tally *tally)
{
	return (uint64_t)tally->loads + tally->stores + tally->locked + tally->flushes;
}

static int busier(const void *a, const void *b)
{
	uint64_t x = weight(*(struct tally *const *)a), y = weight(*(struct tally *const *)b);
	return (x < y) - (x > y);
}

void trace_print_live(FILE *out, uint64_t lost)
{
	struct tally **all = allocate((tallies.used + 1) * sizeof(struct tally *));
	uint64_t found = 0;
	MAP_EACH(slot, &tallies)
		all[found++] = slot->entry;
	qsort(all, found, sizeof(struct tally *), busier);
	fprintf(out, "{\"lost\": %" PRIu64 ", \"lines\": [", lost);
	for (uint64_t i = 0; i < found && i < SHOWN && weight(all[i]); i++)
		fprintf(out,
			"%s{\"line\": %" PRIu64 ", \"node\": %u, \"loads\": %u, \"stores\": %u, "
			"\"locked\": %u, \"flushes\": %u, \"handovers\": %u}",
			i ? ", " : "", all[i]->line, all[i]->node, all[i]->loads, all[i]->stores,
			all[i]->locked, all[i]->flushes, all[i]->handovers);
	fputs("]}\n", out);
	fflush(out);
	for (uint64_t i = 0; i < found; i++)
		all[i]->loads = all[i]->stores = all[i]->locked = all[i]->flushes =
			all[i]->handovers = 0;
	free(all);
}
