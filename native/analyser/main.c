// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famulus-analyser [--notes] FOLDER: read the rings of FOLDER until the file FOLDER/stop exists and
 * the rings are empty; then print the defects, a JSON object a line.
 * famulus-analyser [--notes] --replay FILE: the same for a file of events; FILE - is standard
 * input.
 * --notes: print performance notes, too.
 * --trace FILE: count accesses (trace.h) instead of judging them, and write the counts to FILE at
 * the end.
 * --kinds, --events alone: print the names of the kinds of defects or events, a line each, and end.
 * --live SECONDS: count accesses, and print a JSON line of counts at this interval.
 */
#include "cache.h"
#include "defect.h"
#include "judge_flush.h"
#include "line.h"
#include "names.h"
#include "race.h"
#include "record.h"
#include "rings.h"
#include "section.h"
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAP_US 300 /* microseconds between two looks at empty rings */

static struct {
	const char *folder, *replay, *trace; /* `folder` or `replay` is given */
	double live;
} options;
static uint64_t seen, last; /* events; the last event's number */
static uint64_t lost, lost_from; /* events; the first one's number */

static void print_process(const struct stream_event *event)
{
	printf("{\"process\": %" PRIu64 ", \"group\": %" PRIu64
	       ", \"node\": %u, \"space\": %" PRIu64 ", \"seq\": %" PRIu64 "}\n",
	       event->value, event->old, event->node, event->space, event->seq);
}

/* What is found from now on may be wrong. */
static void lose(uint64_t from, uint64_t count)
{
	if (!lost) {
		lost_from = from;
		race_settle();
		defect_doubt();
	}
	lost += count;
}

static void take(const struct stream_event *event)
{
	if (event->seq <= last && last) /* too late: the event counts as lost already */
		return;
	if (event->seq > last + 1 && last)
		lose(last + 1, event->seq - last - 1);
	last = event->seq;
	if (event->node == 0 || event->node >= NODES)
		return;
	seen++;
	if (options.trace || options.live > 0) {
		trace_event(event);
		return;
	}
	if (event->kind == STREAM_PROCESS)
		print_process(event);
	cache_event(event);
	if (record_collection_is_due())
		line_collect_records();
}

static int replay(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	struct stream_event event;
	if (!file) {
		perror(path);
		return 2;
	}
	while (fread(&event, sizeof(event), 1, file) == 1)
		take(&event);
	fclose(file);
	return 0;
}

static void print_live(void)
{
	static time_t last;
	time_t now = time(NULL);
	if (options.live > 0 && (double)(now - last) >= options.live) {
		trace_print_live(stdout, lost);
		last = now;
	}
}

static int follow(const char *folder)
{
	bool waits = !options.trace && options.live <= 0;
	struct rings *rings = rings_open(folder, waits);
	const struct stream_event *event;
	char stop[4096];
	if (!rings) {
		perror(folder);
		return 1;
	}
	snprintf(stop, sizeof(stop), "%s/stop", folder);
	for (bool ending = false;;) {
		while ((event = rings_next(rings, ending)))
			take(event);
		print_live();
		if (ending)
			break;
		ending = access(stop, F_OK) == 0;
		if (!ending)
			usleep(NAP_US);
	}
	uint64_t behind = rings_lost(rings);
	if (behind || (!lost && rings_draws(rings)))
		lose(last + 1, behind ? behind : 1);
	rings_close(rings);
	return 0;
}

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;
	*seconds = strtod(text, &end);
	return end != text && !*end && *seconds > 0;
}

static bool parse_options(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = argv[i + 1];
		if (!strcmp(word, "--notes"))
			judge_flush_enable();
		else if (!strcmp(word, "--trace") && value)
			options.trace = argv[++i];
		else if (!strcmp(word, "--live") && value && parse_seconds(value, &options.live))
			i++;
		else if (!strcmp(word, "--replay") && value)
			options.replay = argv[++i];
		else if (*word != '-' && !options.folder)
			options.folder = word;
		else
			return false;
	}
	return !options.folder != !options.replay;
}

static bool print_names(const char *option)
{
	if (!strcmp(option, "--kinds"))
		names_print_defects(stdout);
	else if (!strcmp(option, "--events"))
		names_print_events(stdout);
	else
		return false;
	return true;
}

int main(int argc, char *argv[])
{
	if (argc == 2 && print_names(argv[1]))
		return 0;
	if (!parse_options(argc, argv)) {
		fputs("usage: famulus-analyser [--notes] [--trace FILE] [--live SECONDS] "
		      "FOLDER | --replay FILE | --kinds | --events\n",
		      stderr);
		return 2;
	}
	record_start();
	int result = options.replay ? replay(options.replay) : follow(options.folder);
	if (result)
		return result;
	if (options.trace && trace_write(options.trace, lost)) {
		perror(options.trace);
		return 1;
	}
	section_end_all();
	race_report();
	defect_print(stdout);
	printf("{\"events\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"lost_from\": %" PRIu64 "}\n",
	       seen, lost, lost_from);
	if (fflush(stdout) || ferror(stdout)) {
		perror("famulus-analyser: standard output");
		return 1;
	}
	return 0;
}
