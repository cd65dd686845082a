/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The copies of lines that the node's cache holds. The functions take the lines' locks. */
#ifndef FAMULUS_COPY_H
#define FAMULUS_COPY_H

#include "cpu.h"

/* The CPU has accessed the line: the node holds the line, and the bytes of the mask `dirty` are
 * dirty. The cache may evict another line. */
void copy_touch(struct cpu *, uint64_t line, uint64_t dirty);
/* Write the line back; with `drop` the node then no longer holds the line. */
void copy_write_back(struct cpu *, uint64_t line, bool drop);

#endif
