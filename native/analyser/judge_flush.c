// SPDX-License-Identifier: GPL-2.0-or-later
#include "judge_flush.h"

#include "defect.h"

static bool enabled;

void judge_flush_enable(void)
{
	enabled = true;
}

static void report(enum defect_kind kind, const struct stream_event *event, const struct line *line)
{
	struct finding finding = {
		.kind = kind, .first = *event, .flush = line->flush, .line = line->number * LINE};
	defect_report(&finding);
}

void judge_flush(const struct stream_event *event, const struct line *line, struct copy *copy)
{
	if (!enabled)
		return;
	if (event->kind == STREAM_CLWB && (!copy || !copy->dirty))
		report(CLEAN_WRITE_BACK, event, line);
	if (copy && copy->idle_flush)
		report(DOUBLE_FLUSH, event, line);
	if (copy)
		copy->idle_flush = 1;
}
