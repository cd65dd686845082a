// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famulus-analyser [--notes] [--first SEQ] FOLDER: read the rings of FOLDER until there is a file
 * FOLDER/stop and they are empty; then print what was found, a JSON object a line.
 * famulus-analyser [--notes] --replay FILE: the same of a file of events.
 * With --trace FILE it counts instead (trace.h) and writes FILE at the end; with --live SECONDS it
 * prints a JSON line of counts as often as that.
 */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAP_US 300

bool notes;
static uint64_t seen;
static const char *trace;
static double live;

static void print_process(const struct stream_event *event)
{
	printf("{\"process\": %" PRIu64 ", \"group\": %" PRIu64
	       ", \"node\": %u, \"space\": %" PRIu64 ", \"seq\": %" PRIu64 "}\n",
	       event->value, event->old, event->node, event->space, event->seq);
}

static void take(const struct stream_event *event)
{
	if (event->node == 0 || event->node >= NODES)
		return;
	seen++;
	if (trace || live > 0) {
		trace_event(event);
		return;
	}
	if (event->kind == STREAM_PROCESS)
		print_process(event);
	cache_event(event);
	if (record_is_time() || snapshot_is_time())
		record_collect();
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
	if (live > 0 && (double)(now - last) >= live) {
		trace_print_live(stdout);
		last = now;
	}
}

static int follow(const char *folder, uint64_t first)
{
	struct stream *stream = stream_open(folder, first);
	const struct stream_event *event;
	char stop[4096];
	snprintf(stop, sizeof(stop), "%s/stop", folder);
	for (bool ending = false;;) {
		while ((event = stream_next(stream, ending)))
			take(event);
		print_live();
		if (ending)
			break;
		ending = access(stop, F_OK) == 0;
		if (!ending)
			usleep(NAP_US);
	}
	printf("{\"events\": %" PRIu64 ", \"gaps\": %" PRIu64 "}\n", seen, stream_gaps(stream));
	stream_close(stream);
	return 0;
}

int main(int argc, char *argv[])
{
	const char *file = NULL, *folder = NULL;
	uint64_t first = 0;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--notes"))
			notes = true;
		else if (!strcmp(argv[i], "--first") && i + 1 < argc)
			first = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--trace") && i + 1 < argc)
			trace = argv[++i];
		else if (!strcmp(argv[i], "--live") && i + 1 < argc)
			live = strtod(argv[++i], NULL);
		else if (!strcmp(argv[i], "--replay") && i + 1 < argc)
			file = argv[++i];
		else
			folder = argv[i];
	}
	if (!file && !folder) {
		fputs("usage: famulus-analyser [--notes] [--first SEQ] FOLDER | --replay FILE\n",
		      stderr);
		return 2;
	}
	record_start();
	int result = file ? replay(file) : follow(folder, first);
	if (result)
		return result;
	if (trace && trace_write(trace)) {
		perror(trace);
		return 1;
	}
	race_report();
	defect_print(stdout);
	return 0;
}
