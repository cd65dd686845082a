/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locked instructions and xchg. A locked instruction has the line's lock from before its load until
 * after its store. */
#ifndef FAMULUS_LOCKED_H
#define FAMULUS_LOCKED_H

#include "cpu.h"

/* The CPU is about to run a locked instruction. */
void locked_before(struct cpu *, const struct site *);
/* The instruction has stored. */
void locked_after(struct cpu *, const struct access *);
/* Release the line's lock if the instruction has not stored: the instruction has faulted. */
void locked_let_go(struct cpu *);

#endif
