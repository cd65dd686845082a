// SPDX-License-Identifier: GPL-2.0-or-later
#include "push.h"
#include "image.h"

static void give_word(struct shared_view *view, uint64_t line, unsigned i, uint64_t next,
		      uint64_t mask)
{
	uint64_t *word = &image_words(view->image, line)[i];
	__atomic_store_n(word, (*word & ~mask) | (next & mask), __ATOMIC_RELAXED);
}

/* Bring a pushed line to the image of a node that does not hold the line. `old`: the pool's line
 * before. */
static void give(struct shared_view *view, uint64_t line, const uint64_t *old, const uint64_t *next,
		 uint64_t mask, bool fills)
{
	if (!fills && image_difference(image_words(view->image, line), old)) {
		image_take(view, line, old); /* the node has just stored into the line */
		return;
	}
	for (unsigned i = 0; i < LINE_WORDS; i++) {
		uint64_t these = image_spread(mask, i);
		if (!these)
			continue;
		if (fills)
			give_word(view, line, i, next[i], these);
		else
			image_replace(&image_words(view->image, line)[i], old[i], next[i], these);
	}
}

/* The same after a push that ended half-way: each byte of the image is the old byte, the next byte,
 * or a byte that the image's node has stored. */
static void give_again(struct shared_view *view, uint64_t line, const uint64_t *old,
		       const uint64_t *next)
{
	uint64_t *image = image_words(view->image, line), base[LINE_WORDS];
	bool stored = false;
	for (unsigned i = 0; i < LINE_WORDS; i++) {
		uint64_t found = __atomic_load_n(&image[i], __ATOMIC_ACQUIRE);
		uint64_t given =
			image_equal_bytes(found, old[i]) | image_equal_bytes(found, next[i]);
		base[i] = (found & given) | (old[i] & ~given);
		stored |= given != UINT64_MAX;
	}
	if (stored)
		image_take(view, line, base);
	for (unsigned i = 0; i < LINE_WORDS && !stored; i++)
		image_replace(&image[i], old[i], next[i], UINT64_MAX);
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

/* `again`: a dead owner had begun the same push. */
static void apply(struct shared_fabric *f, const struct shared_slot *slot, bool again)
{
	uint64_t old[LINE_WORDS], next[LINE_WORDS], *pool = image_words(f->pool, slot->line);
	memcpy(old, slot->old, LINE_BYTES);
	memcpy(next, slot->data, LINE_BYTES);
	for (unsigned i = 0; i < LINE_WORDS; i++) {
		uint64_t these = image_spread(slot->mask, i);
		next[i] = (old[i] & ~these) | (next[i] & these);
		if (these)
			__atomic_store_n(&pool[i], next[i], __ATOMIC_RELEASE);
	}
	give_to_all(f, slot, old, next, again);
}

void push_line(struct shared_fabric *f, uint64_t line, const uint8_t *data, uint64_t mask)
{
	struct shared_slot *slot = shared_slot(f, line);
	memcpy(slot->data, data, LINE_BYTES);
	memcpy(slot->old, image_words(f->pool, line), LINE_BYTES);
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
