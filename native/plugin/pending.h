/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write-backs that wait for the CPU's next fence: of clwb, clflushopt and non-temporal stores. */
#ifndef FAMULUS_PENDING_H
#define FAMULUS_PENDING_H

#include "cpu.h"

/* Let the line's write-back wait. If MAX_PENDING write-backs wait already, the oldest is done
 * now. */
void pending_add(struct cpu *, uint64_t line, bool drop);
/* Do all write-backs that wait. */
void pending_drain(struct cpu *);

#endif
