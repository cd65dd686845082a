/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Performance notes about flushes: no defect, but a flush without effect. */
#ifndef ANALYSER_JUDGE_FLUSH_H
#define ANALYSER_JUDGE_FLUSH_H

#include "line.h"

void judge_flush_enable(void); /* without this call there are no notes */
void judge_flush(const struct stream_event *event, const struct line *line, struct copy *copy);

#endif
