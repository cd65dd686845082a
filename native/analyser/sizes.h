/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes of the model. Offsets are bytes from the pool's start; sequence numbers order all
 * events. */
#ifndef ANALYSER_SIZES_H
#define ANALYSER_SIZES_H

#include "shared.h"

#include <stdint.h>

#define LINE  LINE_BYTES
#define NODES (MAX_NODES + 1) /* of an array by the nodes' numbers 1 ... MAX_NODES */
#define NEVER UINT64_MAX /* later than every sequence number */

/* The bytes of a line that `bytes` bytes at `offset` cover: bit k stands for byte k of the line. */
static inline uint64_t bytes_mask(uint64_t offset, unsigned bytes)
{
	uint64_t ones = bytes >= LINE ? UINT64_MAX : (UINT64_C(1) << bytes) - 1;
	return ones << offset % LINE;
}

#endif
