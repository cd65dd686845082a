/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts instead of judgements: which node accesses which line how, and how often a line changes
 * nodes. */
#ifndef ANALYSER_TRACE_H
#define ANALYSER_TRACE_H

#include "stream.h"

#include <stdio.h>

#define TRACE_VERSION 2

/* A trace file: the header, then tallies in no order; all little-endian.
 * src/famulus/checker/trace.py reads trace files. */
struct trace_header {
	char magic[8];
	uint32_t version, entry; /* bytes of a tally */
	uint64_t lost; /* events that are in no tally */
};

/* Counts of one node's accesses to one line. */
struct tally {
	uint64_t line; /* its offset in the pool */
	uint64_t loaded, stored; /* a bit for each byte of the line */
	uint32_t loads, stores, locked, flushes;
	uint32_t handovers; /* another node had touched the line before */
	uint8_t node, unused[3];
};
_Static_assert(sizeof(struct tally) == 48, "a tally has no holes");

void trace_event(const struct stream_event *event);
int trace_write(const char *path, uint64_t lost); /* -1: see errno */

/* Print a JSON line: the busiest lines since the last call. Counts restart, hand-overs of lines go
 * on. */
void trace_print_live(FILE *out, uint64_t lost);

#endif
