/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of a script that each thread of the node runs, as the interpreter says by SAYS_LINE
 * (says.h).
 *
 * An event has the line in the 16 highest bits of the program counter: no program's address has
 * these bits. So for a reader, one instruction of the interpreter is another place for each line of
 * the script. */
#ifndef FAMULUS_SCRIPT_H
#define FAMULUS_SCRIPT_H

#include <stdint.h>

#define SCRIPT_SHIFT 48
#define SCRIPT_LINES 0xffffu /* the kernel's addresses have these 16 bits */

/* The thread runs `line` from now on. 0: no line, and so is a number that does not fit. */
void script_runs(uint64_t space, uint64_t thread, uint32_t line);
/* The page tables `space` belong to another program from now on. */
void script_ends(uint64_t space);
/* Return `pc` with the line that the thread runs. */
uint64_t script_pc(uint64_t space, uint64_t thread, uint64_t pc);

#endif
