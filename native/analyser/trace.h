/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAMULUS_TRACE_H
#define FAMULUS_TRACE_H

#include "analyser.h"

#define TRACE_VERSION 1

/* A trace's file: the header, then tallies in no order; all little-endian. src/famulus/checker/trace.py
 * reads it. */
struct trace_header {
	char magic[8];
	uint32_t version, entry; /* bytes of a tally */
};

/* What one node did with one line. */
struct tally {
	uint64_t line; /* its offset in the pool */
	uint64_t loaded, stored; /* which of its bytes */
	uint32_t loads, stores, locked, flushes;
	uint32_t handovers; /* another node had touched the line before */
	uint8_t node, unused[3];
};
_Static_assert(sizeof(struct tally) == 48, "a tally has no holes");

void trace_event(const struct stream_event *event);
int trace_write(const char *path);
void trace_print_live(FILE *out);

#endif
