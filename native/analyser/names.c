// SPDX-License-Identifier: GPL-2.0-or-later
#include "names.h"

#define EVENT_KINDS (STREAM_NODE_DOWN + 1)

static const char *const defects[] = {
	[STALE_READ] = "stale read",
	[UNFLUSHED_PUBLICATION] = "unflushed publication",
	[LOST_UPDATE] = "lost update",
	[MISSING_FENCE] = "missing fence",
	[UNFLUSHED_AT_EXIT] = "unflushed at exit",
	[DATA_RACE] = "data race",
	[CLEAN_WRITE_BACK] = "write-back of a clean line",
	[DOUBLE_FLUSH] = "double flush",
};
_Static_assert(sizeof(defects) / sizeof(*defects) == DEFECT_KINDS, "every kind has a name");

static const char *const events[] = {
	[STREAM_NONE] = "none",
	[STREAM_LOAD] = "load",
	[STREAM_STORE] = "store",
	[STREAM_STORE_NT] = "non-temporal store",
	[STREAM_LOCKED] = "locked instruction",
	[STREAM_CLFLUSH] = "clflush",
	[STREAM_CLFLUSHOPT] = "clflushopt",
	[STREAM_CLWB] = "clwb",
	[STREAM_WBINVD] = "wbinvd",
	[STREAM_SFENCE] = "sfence",
	[STREAM_MFENCE] = "mfence",
	[STREAM_LFENCE] = "lfence",
	[STREAM_PUSHED] = "pushed",
	[STREAM_EVICTED] = "evicted",
	[STREAM_PROCESS] = "process",
	[STREAM_EXIT] = "exit",
	[STREAM_NODE_UP] = "node up",
	[STREAM_NODE_DOWN] = "node down",
};
_Static_assert(sizeof(events) / sizeof(*events) == EVENT_KINDS, "every kind has a name");

const char *name_of_defect(enum defect_kind kind)
{
	return defects[kind];
}

const char *name_of_event(enum stream_event_kind kind)
{
	return events[kind];
}

void names_print_defects(FILE *out)
{
	for (unsigned kind = 0; kind < DEFECT_KINDS; kind++)
		fprintf(out, "%s\n", defects[kind]);
}

void names_print_events(FILE *out)
{
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
		fprintf(out, "%s\n", events[kind]);
}
