/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAMULUS_JUDGE_H
#define FAMULUS_JUDGE_H

#include "analyser.h"

/* Do both have the same bytes where they overlap? Of each the first 8 are known; -1: none of them. */
int same_value(const struct record *store, uint64_t offset, unsigned size, uint64_t value);

/* `store` and what came to it; further fields are the caller's */
struct finding finding_of(enum kind kind, const struct record *store,
			  const struct stream_event *event, const struct line *line);

#endif
