/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which line of a script each thread of the node runs, as its interpreter says (guest/script).
 *
 * It is told in the 16 highest bits of a program counter, which no program's address has: an access
 * at the same instruction of the interpreter for another line is another place to every reader. */
#ifndef FAMULUS_SCRIPT_H
#define FAMULUS_SCRIPT_H

#include <stdint.h>

/* The thread runs `line` from now on, a number of its process' own; 0: none, too large ones likewise. */
void script_runs(uint64_t space, uint64_t thread, uint32_t line);
/* The page tables `space` are another program's now. */
void script_ends(uint64_t space);
/* `pc` of the thread, with the line that it runs. */
uint64_t script_pc(uint64_t space, uint64_t thread, uint64_t pc);

#endif
