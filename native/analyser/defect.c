// SPDX-License-Identifier: GPL-2.0-or-later
#include "defect.h"

#include "memory.h"
#include "names.h"

#include <inttypes.h>

struct defect {
	struct defect *next;
	struct finding finding;
	unsigned long count, most; /* most: at one place */
	bool uncertain;
};

static bool doubt;

static struct defect *defects, **end = &defects; /* in the order of their first findings */
static struct map distinct; /* the same by kind and instructions */

static bool is_same(const void *entry, const void *key)
{
	const struct finding *a = &((const struct defect *)entry)->finding, *b = key;
	return a->kind == b->kind && a->first.pc == b->first.pc && a->second.pc == b->second.pc &&
	       a->flag.pc == b->flag.pc;
}

static uint64_t hash_of(const struct finding *finding)
{
	uint64_t hash = map_hash_more(map_hash(finding->kind), finding->first.pc);
	return map_hash_more(map_hash_more(hash, finding->second.pc), finding->flag.pc);
}

static struct defect *add(const struct finding *finding)
{
	struct defect *defect = allocate(sizeof(*defect));
	defect->finding = *finding;
	defect->uncertain = doubt;
	*end = defect;
	end = &defect->next;
	insert(&distinct, hash_of(finding), defect);
	return defect;
}

void defect_report(const struct finding *finding)
{
	defect_report_times(finding, 1);
}

void defect_report_times(const struct finding *finding, unsigned long times)
{
	struct defect *defect = map_find(&distinct, hash_of(finding), is_same, finding);
	if (!defect)
		defect = add(finding);
	if (doubt && !defect->uncertain)
		return;
	defect->count += times;
	defect->most = times > defect->most ? times : defect->most;
}

void defect_doubt(void)
{
	doubt = true;
}

static void print_event(FILE *out, const char *name, const struct stream_event *event)
{
	if (event->kind == STREAM_NONE)
		return;
	fprintf(out,
		", \"%s\": {\"what\": \"%s\", \"node\": %u, \"space\": %" PRIu64
		", \"thread\": %" PRIu64 ", \"pc\": %" PRIu64 ", \"offset\": %" PRIu64
		", \"size\": %u, \"value\": %" PRIu64 ", \"seq\": %" PRIu64 "}",
		name, name_of_event(event->kind), event->node, event->space, event->thread,
		event->pc, event->offset, event->size, event->value, event->seq);
}

static void print_flush(FILE *out, const struct finding *finding)
{
	const struct flush *flush = &finding->flush;
	struct stream_event event = {.seq = flush->seq,
				     .pc = flush->pc,
				     .space = flush->space,
				     .thread = flush->thread,
				     .node = flush->node,
				     .kind = flush->kind,
				     .offset = finding->line,
				     .size = LINE};
	print_event(out, "flush", &event);
}

static void print_bytes(FILE *out, uint64_t line, uint64_t bytes)
{
	const char *comma = "";
	fputs(", \"bytes\": [", out);
	for (unsigned at = 0; at < LINE; at++) {
		unsigned from = at;
		while (at < LINE && bytes >> at & 1)
			at++;
		if (at == from)
			continue;
		fprintf(out, "%s[%" PRIu64 ", %u]", comma, line + from, at - from);
		comma = ", ";
	}
	fputs("]", out);
}

static void print_defect(FILE *out, const struct defect *defect)
{
	const struct finding *finding = &defect->finding;
	fprintf(out, "{\"kind\": \"%s\", \"count\": %lu, \"most\": %lu, \"line\": %" PRIu64,
		name_of_defect(finding->kind), defect->count, defect->most, finding->line);
	if (defect->uncertain)
		fputs(", \"uncertain\": true", out);
	if (finding->polls)
		fputs(", \"polls\": true", out);
	if (finding->note)
		fprintf(out, ", \"note\": \"%s\"", finding->note);
	print_bytes(out, finding->line, finding->bytes);
	print_event(out, "first", &finding->first);
	print_event(out, "second", &finding->second);
	print_event(out, "flag", &finding->flag);
	print_event(out, "flag_load", &finding->flag_load);
	print_flush(out, finding);
	fputs("}\n", out);
}

void defect_print(FILE *out)
{
	for (const struct defect *defect = defects; defect; defect = defect->next)
		print_defect(out, defect);
}
