/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Move lines between this node's cache and the pool.
 *
 * A range is bytes; all 64-byte lines that it touches are moved. The instruction is the best that
 * CPUID (leaves 1 and 7) tells of: clwb or clflushopt, else clflush. None of these can fail.
 */
#ifndef FAMULUS_FLUSH_H
#define FAMULUS_FLUSH_H

#include <stddef.h>

#define FAM_LINE 64 /* bytes of a line */

/* Write what this node has stored back to the pool; it is there before any later store is. */
void fam_writeback(const void *start, size_t bytes);

/*
 * Forget what this node holds; later loads fetch from the pool. x86 has no instruction that throws
 * a store away: lines that were stored to and not written back are written back first.
 */
void fam_invalidate(const void *start, size_t bytes);

/* Both: write back, then forget. */
void fam_flush(const void *start, size_t bytes);

#endif
