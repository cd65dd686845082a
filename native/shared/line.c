// SPDX-License-Identifier: GPL-2.0-or-later
#include "line.h"
#include "image.h"
#include "push.h"

void line_hold(struct shared_fabric *f, struct shared_view *view, uint64_t line)
{
	if (!view->held[line])
		image_take(view, line, image_words(f->pool, line));
}

/* Write back `seen`, a copy of the image's line. Returns the mask of the bytes. */
static uint64_t write_back_seen(struct shared_fabric *f, struct shared_view *view, uint64_t line,
				const uint64_t *seen)
{
	const uint64_t *against = image_words(view->held[line] ? view->base : f->pool, line);
	uint64_t mask = view->dirty[line] | image_difference(seen, against);
	if (!mask)
		return 0;
	mask |= __atomic_exchange_n(&view->dirty[line], 0, __ATOMIC_ACQ_REL);
	push_line(f, line, (const uint8_t *)seen, mask);
	if (view->held[line])
		memcpy(image_words(view->base, line), seen, LINE_BYTES);
	__atomic_fetch_add(&f->control->node[f->self].written, 1, __ATOMIC_RELAXED);
	return mask;
}

static void copy_line(struct shared_view *view, uint64_t line, uint64_t *seen)
{
	for (unsigned i = 0; i < LINE_WORDS; i++)
		seen[i] = __atomic_load_n(&image_words(view->image, line)[i], __ATOMIC_ACQUIRE);
}

uint64_t line_write_back(struct shared_fabric *f, struct shared_view *view, uint64_t line)
{
	uint64_t seen[LINE_WORDS];
	copy_line(view, line, seen);
	return write_back_seen(f, view, line, seen);
}

uint64_t line_drop(struct shared_fabric *f, struct shared_view *view, uint64_t line)
{
	uint64_t *image = image_words(view->image, line), *pool = image_words(f->pool, line);
	uint64_t seen[LINE_WORDS];
	copy_line(view, line, seen);
	uint64_t written = write_back_seen(f, view, line, seen);
	if (view->held[line])
		for (unsigned i = 0; i < LINE_WORDS; i++)
			image_replace(&image[i], seen[i], pool[i], UINT64_MAX);
	__atomic_store_n(&view->held[line], 0, __ATOMIC_RELEASE);
	return written;
}
