/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All rings of a folder (stream.h) as one sequence of events in the order of `seq`. A number is
 * left out only if its event is lost, whatever time a node takes to publish the event.
 */
#ifndef ANALYSER_RINGS_H
#define ANALYSER_RINGS_H

#include "stream.h"

#include <stdbool.h>

struct rings;
/* Become the reader. Events that are in rings already are skipped. `waits`: writers wait for room.
 * NULL: see errno. */
struct rings *rings_open(const char *folder, bool waits);
void rings_close(struct rings *rings);
/* NULL: no event for now. `ending`: do not wait for missing numbers; a number that is skipped may
 * still come. */
const struct stream_event *rings_next(struct rings *rings, bool ending);
/* When `ending` has no event any more: the number of lost events behind the last event, and whether
 * a node has died while it published an event. */
uint64_t rings_lost(const struct rings *rings);
bool rings_draws(const struct rings *rings);

#endif
