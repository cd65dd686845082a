/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects of a load. */
#ifndef ANALYSER_JUDGE_LOAD_H
#define ANALYSER_JUDGE_LOAD_H

#include "line.h"

/* `view`: the stores that the load sees, of the copy or of the pool. */
void judge_load(const struct stream_event *event, struct copy *copy, const rec_t *view);

#endif
