/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Move lines between this node's cache and the pool.
 *
 * A range is in bytes; each function moves all 64-byte lines that the range touches. The functions
 * use the best instruction that CPUID (leaves 1 and 7) reports: clwb or clflushopt, else clflush.
 * No function can fail.
 */
#ifndef FAMULUS_FLUSH_H
#define FAMULUS_FLUSH_H

#include <stddef.h>

#define FAM_LINE 64 /* bytes of a line */

/* Write this node's stores back to the pool; they reach the pool before any later store does. */
void fam_writeback(const void *start, size_t bytes);

/*
 * Drop the lines from this node's cache; later loads fetch them from the pool. x86 has no
 * instruction that discards a store: lines with stores that were not written back are written back
 * first.
 */
void fam_invalidate(const void *start, size_t bytes);

/* Write back, then drop the lines. */
void fam_flush(const void *start, size_t bytes);

#endif
