/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write back or drop all lines of a node. */
#ifndef FAMULUS_SWEEP_H
#define FAMULUS_SWEEP_H

#include "shared.h"

/* Write back each line of node `self` that has stores; with `drop`, the node then holds no line.
 * Takes the lines' locks, for CPU `cpu`. Returns the number of lines that were written back. */
uint64_t sweep_lines(struct shared_fabric *, struct shared_view *, unsigned cpu, bool drop);

#endif
