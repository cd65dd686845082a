// SPDX-License-Identifier: GPL-2.0-or-later
#include "finding.h"

bool event_stores(const struct stream_event *event)
{
	return event->kind == STREAM_STORE || event->kind == STREAM_STORE_NT ||
	       event->kind == STREAM_LOCKED;
}

int same_value(const struct record *store, uint64_t offset, unsigned size, uint64_t value)
{
	uint64_t from = store->offset > offset ? store->offset : offset;
	uint64_t store_end = store->offset + (store->size < 8 ? store->size : 8);
	uint64_t end = offset + (size < 8 ? size : 8);
	if (store_end < end)
		end = store_end;
	if (from >= end)
		return -1;
	uint64_t differ = store->value >> 8 * (from - store->offset) ^ value >> 8 * (from - offset);
	return end - from == 8 ? differ == 0
			       : (differ & ((UINT64_C(1) << 8 * (end - from)) - 1)) == 0;
}

struct finding finding_of_store(enum defect_kind kind, const struct record *store,
				const struct line *line)
{
	return (struct finding){.kind = kind,
				.first = record_event(store),
				.flush = line->flush,
				.bytes = bytes_mask(store->offset, store->size),
				.line = line->number * LINE};
}

struct finding finding_of(enum defect_kind kind, const struct record *store,
			  const struct stream_event *event, const struct line *line)
{
	struct finding finding = finding_of_store(kind, store, line);
	finding.second = *event;
	finding.bytes &= bytes_mask(event->offset, event->size);
	return finding;
}
