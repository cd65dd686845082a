/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of one line, in an image or in the pool. Pure, but for image_replace() and
 * image_take().
 *
 * A node's programs store into the node's image at any time, without a lock. Therefore an image's
 * bytes are replaced only by compare and exchange, and only where the image still has the expected
 * bytes. */
#ifndef FAMULUS_IMAGE_H
#define FAMULUS_IMAGE_H

#include "shared.h"

#include <emmintrin.h>
#include <string.h>

#define LINE_WORDS (LINE_BYTES / 8)

static inline uint64_t *image_words(uint8_t *memory, uint64_t line)
{
	return (uint64_t *)(memory + line * LINE_BYTES);
}

/* The mask of the bytes in which two lines differ. */
static inline uint64_t image_difference(const void *a, const void *b)
{
	uint64_t equal = 0;
	for (unsigned i = 0; i < 4; i++) {
		__m128i x = _mm_loadu_si128((const __m128i *)a + i);
		__m128i y = _mm_loadu_si128((const __m128i *)b + i);
		equal |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) << (16 * i);
	}
	return ~equal;
}

/* The eight bits of a line's mask that belong to `word`, as eight bytes of ones or zeros. */
static inline uint64_t image_spread(uint64_t mask, unsigned word)
{
	uint64_t bits = mask >> (8 * word) & 0xff;
	/* Eight copies of the bits; each byte keeps another bit. */
	uint64_t apart = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
	uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t top = ((apart & low) + low) | apart; /* the top bit of each byte that is not 0 */
	return ((top & ~low) >> 7) * 0xff;
}

/* Ones in the bytes in which two words are equal. */
static inline uint64_t image_equal_bytes(uint64_t a, uint64_t b)
{
	uint64_t bytes = 0, same = a ^ b;
	for (unsigned i = 0; i < 8; i++)
		if (!(same >> (8 * i) & 0xff))
			bytes |= UINT64_C(0xff) << (8 * i);
	return bytes;
}

/* Set the masked bytes of an image's word to those of `next`, where the word still has those of
 * `known`. */
static inline void image_replace(uint64_t *word, uint64_t known, uint64_t next, uint64_t mask)
{
	uint64_t found = __atomic_load_n(word, __ATOMIC_RELAXED), made;
	do {
		uint64_t these =
			mask & (found == known ? UINT64_MAX : image_equal_bytes(found, known));
		made = (found & ~these) | (next & these);
		if (made == found)
			return;
	} while (!__atomic_compare_exchange_n(word, &found, made, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

/* Have the node of `view` hold the line, with the bytes `fetched` as the line's base. */
static inline void image_take(struct shared_view *view, uint64_t line, const uint64_t *fetched)
{
	memcpy(image_words(view->base, line), fetched, LINE_BYTES);
	__atomic_store_n(&view->held[line], 1, __ATOMIC_RELEASE);
}

#endif
