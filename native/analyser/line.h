/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cache lines that a node has touched, and the nodes' copies of them. An untouched line costs
 * nothing.
 *
 * Arrays of a line or of a copy have one element for each granule: 8 bytes, or 1 byte once an
 * access has touched a part of 8 bytes.
 */
#ifndef ANALYSER_LINE_H
#define ANALYSER_LINE_H

#include "record.h"
#include "sizes.h"

/* A node's last load of a granule. */
struct reading {
	uint64_t seq, pc, offset, space, thread;
	uint32_t fetch; /* `fetch` of the copy at the load */
	uint32_t repeats; /* loads in a row of one fetch, with a newer store in the pool */
	uint16_t size;
};

/* A node's copy of a line. */
struct copy {
	struct copy *next, *next_of_node;
	struct line *line;
	rec_t *seen; /* the stores whose bytes the copy holds; valid while `held` */
	rec_t *last; /* the node's own last stores; only in shared lines */
	struct reading *readings; /* only in shared lines */
	struct reading reading; /* the last load; in lines of a single node */
	uint64_t dirty; /* a bit for each byte */
	rec_t newest; /* the node's last plain store in the line */
	uint32_t fetch; /* how often the node has fetched the line: the copy's epoch */
	uint8_t node;
	bool held;
	uint8_t idle_flush; /* a flush since the last access */
};

struct flush {
	uint64_t seq, pc, space, thread;
	uint8_t node, kind;
};

struct line {
	uint64_t number;
	struct copy *copies;
	rec_t *pool; /* the stores whose bytes the pool holds; NULL: no write-back yet */
	struct flush flush; /* the last flush by any node */
	uint8_t shift; /* a granule has 1 << shift bytes: 3 or 0 */
	bool shared; /* more than one node has a copy */
};

struct line *line_find(uint64_t offset); /* NULL: untouched */
struct line *line_get(uint64_t offset);
void line_split(struct line *line); /* into granules of 1 byte */
rec_t *line_pool(struct line *line); /* `pool`, made if NULL */
unsigned line_granules(const struct line *line);
void line_collect_records(void); /* free the records that no line refers to */

struct copy *copy_find(const struct line *line, uint8_t node); /* NULL: none */
struct copy *copy_get(struct line *line, uint8_t node);
struct copy *copy_first_of(uint8_t node); /* follow `next_of_node` */
struct reading *copy_reading(struct copy *copy, unsigned granule);
rec_t copy_last(const struct copy *copy, unsigned granule); /* the node's own last store */
bool copy_is_dirty(const struct copy *copy, unsigned granule);
/* The last store of `node` to the byte at `offset`; 0: none. */
rec_t line_last_store(uint64_t offset, uint8_t node);

static inline struct flush flush_of(const struct stream_event *event)
{
	return (struct flush){event->seq,    event->pc,   event->space,
			      event->thread, event->node, event->kind};
}

/* Each granule `g` of a line that `size` bytes at `offset` touch. */
#define EACH_GRANULE(g, line, offset, size) \
	for (unsigned g = (offset) % LINE >> (line)->shift, \
		      g##_end = ((offset) % LINE + (size) - 1) >> (line)->shift; \
	     g <= g##_end; g++)

#endif
