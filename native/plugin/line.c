// SPDX-License-Identifier: GPL-2.0-or-later
/* A node's programs store into its image at any time, with no lock. So an image's bytes are only replaced
 * by compare and exchange, and only where they are what they were expected to be. */
#define _GNU_SOURCE
#include "line.h"
#include "lock.h"

#include <emmintrin.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WORDS (LINE_BYTES / 8)

static uint64_t *words(uint8_t *memory, uint64_t line)
{
	return (uint64_t *)(memory + line * LINE_BYTES);
}

/* The bits of the bytes in which two lines differ. */
static uint64_t difference(const void *a, const void *b)
{
	uint64_t equal = 0;
	for (unsigned i = 0; i < 4; i++) {
		__m128i x = _mm_loadu_si128((const __m128i *)a + i);
		__m128i y = _mm_loadu_si128((const __m128i *)b + i);
		equal |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) << (16 * i);
	}
	return ~equal;
}

/* Eight bits to eight bytes of ones. */
static uint64_t spread(uint64_t mask, unsigned word)
{
	uint64_t bits = mask >> (8 * word) & 0xff;
	/* each bit to a byte of its own: copies of all, of which each byte keeps another one */
	uint64_t apart = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
	uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t top = ((apart & low) + low) | apart; /* the top bit of a byte that is not 0 */
	return ((top & ~low) >> 7) * 0xff;
}

/* The bytes of ones in which two words are equal. */
static uint64_t equal_bytes(uint64_t a, uint64_t b)
{
	uint64_t bytes = 0, same = a ^ b;
	for (unsigned i = 0; i < 8; i++)
		if (!(same >> (8 * i) & 0xff))
			bytes |= UINT64_C(0xff) << (8 * i);
	return bytes;
}

/* Make the masked bytes of a word in an image `next`, where they still are `known`. */
static void replace(uint64_t *word, uint64_t known, uint64_t next, uint64_t mask)
{
	uint64_t found = __atomic_load_n(word, __ATOMIC_RELAXED), made;
	do {
		uint64_t these = mask & (found == known ? UINT64_MAX : equal_bytes(found, known));
		made = (found & ~these) | (next & these);
		if (made == found)
			return;
	} while (!__atomic_compare_exchange_n(word, &found, made, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

static void take(struct shared_view *view, uint64_t line, const uint64_t *fetched)
{
	memcpy(words(view->base, line), fetched, LINE_BYTES);
	__atomic_store_n(&view->held[line], 1, __ATOMIC_RELEASE);
}

void line_hold(struct shared_fabric *f, struct shared_view *view, uint64_t line)
{
	if (!view->held[line])
		take(view, line, words(f->pool, line));
}

static void give_word(struct shared_view *view, uint64_t line, unsigned i, uint64_t next,
		      uint64_t mask)
{
	uint64_t *word = &words(view->image, line)[i];
	__atomic_store_n(word, (*word & ~mask) | (next & mask), __ATOMIC_RELAXED);
}

/* Bring a pushed line to the image of a node that does not hold it. `old`: the pool's line before. */
static void give(struct shared_view *view, uint64_t line, const uint64_t *old, const uint64_t *next,
		 uint64_t mask, bool fills)
{
	if (!fills && difference(words(view->image, line), old)) {
		take(view, line, old); /* it has just stored there */
		return;
	}
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t these = spread(mask, i);
		if (!these)
			continue;
		if (fills)
			give_word(view, line, i, next[i], these);
		else
			replace(&words(view->image, line)[i], old[i], next[i], these);
	}
}

/* The same if it was begun before: the image may have any of it already, or of what its node stores. */
static void give_again(struct shared_view *view, uint64_t line, const uint64_t *old,
		       const uint64_t *next)
{
	uint64_t *image = words(view->image, line), base[WORDS];
	bool stored = false;
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t found = __atomic_load_n(&image[i], __ATOMIC_ACQUIRE);
		uint64_t given = equal_bytes(found, old[i]) | equal_bytes(found, next[i]);
		base[i] = (found & given) | (old[i] & ~given);
		stored |= given != UINT64_MAX;
	}
	if (stored)
		take(view, line, base);
	for (unsigned i = 0; i < WORDS && !stored; i++)
		replace(&image[i], old[i], next[i], UINT64_MAX);
}

static void give_to_all(struct shared_fabric *f, const struct shared_slot *slot,
			const uint64_t *old, const uint64_t *next, bool again)
{
	int last = (int)__atomic_load_n(&f->control->last, __ATOMIC_ACQUIRE);
	for (int k = 1; k <= last; k++) {
		uint64_t state = shared_state(f, k) & ((1 << NODE_STATE_BITS) - 1);
		if (state == NODE_OFF || (k == f->self && !again))
			continue;
		struct shared_view *view = shared_view(f, k);
		if (!view || view->held[slot->line])
			continue;
		if (again && state != NODE_FILLS)
			give_again(view, slot->line, old, next);
		else
			give(view, slot->line, old, next, slot->mask, state == NODE_FILLS);
	}
}

/* `again`: it was begun before. */
static void apply(struct shared_fabric *f, const struct shared_slot *slot, bool again)
{
	uint64_t old[WORDS], next[WORDS], *pool = words(f->pool, slot->line);
	memcpy(old, slot->old, LINE_BYTES);
	memcpy(next, slot->data, LINE_BYTES);
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t these = spread(slot->mask, i);
		next[i] = (old[i] & ~these) | (next[i] & these);
		if (these)
			__atomic_store_n(&pool[i], next[i], __ATOMIC_RELEASE);
	}
	give_to_all(f, slot, old, next, again);
}

void push_line(struct shared_fabric *f, uint64_t line, const uint8_t *data, uint64_t mask)
{
	struct shared_slot *slot = lock_slot(f, line);
	memcpy(slot->data, data, LINE_BYTES);
	memcpy(slot->old, words(f->pool, line), LINE_BYTES);
	slot->line = line;
	__atomic_store_n(&slot->mask, mask, __ATOMIC_RELEASE);
	apply(f, slot, false);
	__atomic_store_n(&slot->mask, 0, __ATOMIC_RELEASE);
}

void push_finish(struct shared_fabric *f, struct shared_slot *slot)
{
	if (slot->mask)
		apply(f, slot, true);
	__atomic_store_n(&slot->mask, 0, __ATOMIC_RELEASE);
}

/* Write back what is in `seen`, a copy of the image's line; returns which bytes. */
static uint64_t write_back_seen(struct shared_fabric *f, struct shared_view *view, uint64_t line,
				const uint64_t *seen)
{
	const uint64_t *against = words(view->held[line] ? view->base : f->pool, line);
	uint64_t mask = view->dirty[line] | difference(seen, against);
	if (!mask)
		return 0;
	mask |= __atomic_exchange_n(&view->dirty[line], 0, __ATOMIC_ACQ_REL);
	push_line(f, line, (const uint8_t *)seen, mask);
	if (view->held[line])
		memcpy(words(view->base, line), seen, LINE_BYTES);
	__atomic_fetch_add(&f->control->node[f->self].written, 1, __ATOMIC_RELAXED);
	return mask;
}

static void look(struct shared_view *view, uint64_t line, uint64_t *seen)
{
	for (unsigned i = 0; i < WORDS; i++)
		seen[i] = __atomic_load_n(&words(view->image, line)[i], __ATOMIC_ACQUIRE);
}

uint64_t line_write_back(struct shared_fabric *f, struct shared_view *view, uint64_t line)
{
	uint64_t seen[WORDS];
	look(view, line, seen);
	return write_back_seen(f, view, line, seen);
}

uint64_t line_drop(struct shared_fabric *f, struct shared_view *view, uint64_t line)
{
	uint64_t seen[WORDS], *image = words(view->image, line), *pool = words(f->pool, line);
	look(view, line, seen);
	uint64_t written = write_back_seen(f, view, line, seen);
	if (view->held[line])
		for (unsigned i = 0; i < WORDS; i++)
			replace(&image[i], seen[i], pool[i], UINT64_MAX);
	__atomic_store_n(&view->held[line], 0, __ATOMIC_RELEASE);
	return written;
}

static uint64_t each_of_page(struct shared_fabric *f, struct shared_view *view, uint64_t at,
			     unsigned cpu, bool drop)
{
	uint64_t count = 0;
	bool same = memcmp(view->image + at, f->pool + at, PAGE_BYTES) == 0;
	for (uint64_t line = at / LINE_BYTES; line < (at + PAGE_BYTES) / LINE_BYTES; line++) {
		if (same && !view->held[line])
			continue;
		lock_line(f, line, cpu);
		count += (drop ? line_drop : line_write_back)(f, view, line) != 0;
		unlock_line(f, line);
	}
	return count;
}

/* A line that was touched lies in a page of the image that is no hole. */
uint64_t sweep_lines(struct shared_fabric *f, struct shared_view *view, unsigned cpu, bool drop)
{
	char path[4096];
	uint64_t count = 0;
	shared_path(path, sizeof(path), f, f->self, view->start, "image");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (off_t at = 0; fd >= 0 && (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
		off_t end = lseek(fd, at, SEEK_HOLE);
		for (at -= at % PAGE_BYTES; at < end; at += PAGE_BYTES)
			count += each_of_page(f, view, (uint64_t)at, cpu, drop);
	}
	if (fd >= 0)
		close(fd);
	return count;
}
