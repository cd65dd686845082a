/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All rings of a folder (stream.h) as one sequence of events in the order of `seq`, which has no
 * gaps. A number that no node publishes, because the node died, is skipped after some seconds.
 */
#ifndef ANALYSER_RINGS_H
#define ANALYSER_RINGS_H

#include "stream.h"

#include <stdbool.h>

struct rings;
struct rings *rings_open(const char *folder);
void rings_close(struct rings *rings);
/* NULL: no event for now. `ending`: do not wait for missing numbers. */
const struct stream_event *rings_next(struct rings *rings, bool ending);
uint64_t rings_gaps(const struct rings *rings);

#endif
