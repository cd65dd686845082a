/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finding: two events (or one) that break a rule. Equal findings make one defect, see
 * defect.h. */
#ifndef ANALYSER_FINDING_H
#define ANALYSER_FINDING_H

#include "line.h"

enum defect_kind {
	STALE_READ,
	UNFLUSHED_PUBLICATION,
	LOST_UPDATE,
	MISSING_FENCE,
	UNFLUSHED_AT_EXIT,
	DATA_RACE,
	CLEAN_WRITE_BACK,
	DOUBLE_FLUSH,
	DEFECT_KINDS
};

struct finding {
	enum defect_kind kind;
	struct stream_event first, second; /* kind STREAM_NONE: absent */
	struct stream_event flag,
		flag_load; /* the flag's store and load that order the two; or absent */
	struct flush flush; /* the last flush of the line */
	uint64_t bytes, line; /* bytes of the line, and the line's offset */
	const char *note;
	bool polls; /* the second event's instruction polls other words */
};

/* A finding about `store` and a later `event`, for all bytes that both touch. */
struct finding finding_of(enum defect_kind kind, const struct record *store,
			  const struct stream_event *event, const struct line *line);

/* A finding about `store` alone, for all bytes of the store. */
struct finding finding_of_store(enum defect_kind kind, const struct record *store,
				const struct line *line);

/* Tell a store from a load. Locked instructions count as stores. */
bool event_stores(const struct stream_event *event);

/*
 * Compare the bytes of `store` with an access's `value` where both overlap: 1 equal, 0 different.
 * Only the first 8 bytes of an access are known; -1: no known byte overlaps.
 */
int same_value(const struct record *store, uint64_t offset, unsigned size, uint64_t value);

#endif
