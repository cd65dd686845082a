/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checker's model of the fabric: which node's cache has which store's bytes of which line, what
 * each node knows of the others' past, and what follows from both.
 *
 * One thread, fed with events in the order of their sequence numbers. Offsets and sizes are bytes.
 */
#ifndef FAMULUS_ANALYSER_H
#define FAMULUS_ANALYSER_H

#include "stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LINE  64
#define NODES 65 /* 1 ... 64 */
#define NEVER UINT64_MAX

/* A store that somebody may still see: index into `records`, 0 for what lay there at the start. */
typedef uint32_t rec_t;

struct record {
	uint64_t seq, pc, offset, space, thread, value;
	uint64_t flushed; /* when a write-back of it was begun; 0: not yet */
	uint64_t flush_pc; /* by this instruction */
	uint64_t done; /* when that was complete, fence included; NEVER: not yet */
	uint32_t snapshot; /* what its node knew when it stored */
	uint16_t size;
	uint8_t node, kind;
};

/* The last load of a place by a node. */
struct reading {
	uint64_t seq, pc, offset, space, thread;
	uint32_t fetch; /* of the copy that it read */
	uint32_t repeats; /* how often in a row from one fetch, with something newer in the pool */
	uint16_t size;
};

/* A line as one node has it. Arrays have one element a granule (see struct line). */
struct copy {
	struct copy *next, *next_of_node;
	struct line *line;
	rec_t *seen; /* what it holds; while `held` */
	rec_t *last; /* the node's own last stores; only in shared lines */
	struct reading *readings; /* likewise */
	struct reading reading; /* the last one; in lines of one node */
	uint64_t dirty; /* bytes */
	rec_t newest; /* the node's last plain store in the line */
	uint32_t fetch; /* how often it was fetched */
	uint8_t node;
	bool held;
	uint8_t idle_flush; /* flushes since the last access */
};

struct flush {
	uint64_t seq, pc, space, thread;
	uint8_t node, kind;
};

/* Stores of less than a word split a line's granules of 8 bytes into single bytes. */
struct line {
	uint64_t number;
	struct copy *copies;
	rec_t *pool; /* NULL: nothing was written back yet */
	struct flush flush; /* the last one of any node */
	uint8_t shift; /* 3 or 0 */
	bool shared; /* more than one node has a copy */
};

/* A write-back that is ordered by its thread's next fence. */
struct pending {
	struct copy *copy;
	struct flush flush;
	uint64_t bytes; /* of a non-temporal store; else 0: the whole line */
	bool pushed;
};

struct thread {
	struct thread *next;
	uint64_t space, thread;
	struct pending *pending;
	unsigned count, room;
	uint64_t
		implied; /* a locked instruction outside the pool has ordered `pending`, at this seq */
	uint8_t node;
	bool gone;
};

/* memory.c: NULL is never returned; the program ends if there is no memory */
void *get(size_t bytes); /* zeros */
void *more(void *old, size_t elements, size_t size);

/* record.c */
void record_start(void);
extern struct record *records;
rec_t record_new(const struct stream_event *event,
		 rec_t instead); /* of one that is of no use, or 0 */
void record_mark(rec_t record); /* called back by the collection below for all that is in use */
bool record_is_time(void);
void record_collect(void);

/* order.c: happens-before between nodes */
struct edge {
	struct record store; /* what was seen */
	struct stream_event load; /* by what */
	uint64_t before; /* what was known until then */
};
extern uint64_t known[NODES][NODES]; /* known[j][i]: node j knows what i did up to this seq */
extern struct edge edges[NODES][NODES];
uint32_t snapshot_of(uint8_t node);
uint64_t snapshot_at(uint32_t snapshot, uint8_t node);
void snapshot_mark(uint32_t snapshot);
bool snapshot_is_time(void);
void snapshot_collect(void);
bool order_knows(uint8_t node, const struct record *store);
bool order_is_sure(uint8_t node, const struct record *store);
void order_saw(uint8_t node, const struct record *store, const struct stream_event *load);
void order_acquire(const struct stream_event *event);
void order_release(const struct stream_event *event, const struct record *store);

/* line.c */
struct line *line_find(uint64_t offset);
struct line *line_get(uint64_t offset);
void line_split(struct line *line);
struct copy *copy_find(struct line *line, uint8_t node);
struct copy *copy_get(struct line *line, uint8_t node);
rec_t *line_pool(struct line *line);
unsigned line_granules(const struct line *line);
struct reading *copy_reading(struct copy *copy, unsigned granule);
rec_t copy_last(const struct copy *copy, unsigned granule);
void line_each(void (*visit)(struct line *line));
extern struct copy *copies_of[NODES];
uint64_t bytes_mask(uint64_t offset, unsigned size);
bool is_dirty(const struct copy *copy, unsigned granule);

/* Each granule `g` of a line that `size` bytes at `offset` touch. */
#define EACH_GRANULE(g, line, offset, size) \
	for (unsigned g = (offset) % LINE >> (line)->shift, \
		      g##_end = ((offset) % LINE + (size) - 1) >> (line)->shift; \
	     g <= g##_end; g++)

/* thread.c */
struct thread *thread_get(const struct stream_event *event);
void thread_pend(struct thread *thread, struct copy *copy, const struct stream_event *event,
		 uint64_t bytes);
struct pending *pending_of(uint8_t node, const struct line *line);
struct pending *pending_by(const struct stream_event *event, const struct line *line);
void thread_goes_on(const struct stream_event *event);
void thread_each(uint8_t node, uint64_t space, void (*visit)(struct thread *thread));

/* cache.c: what an event does to the caches; it asks judge.c first */
void cache_event(const struct stream_event *event);
void cache_mark(void);

/* judge.c: what is wrong with it */
void judge_load(const struct stream_event *event, struct copy *copy, const rec_t *view);
void judge_store(const struct stream_event *event, struct copy *copy);
void judge_write_back(struct copy *copy);
void judge_flush(const struct stream_event *event, struct line *line, struct copy *copy);
void judge_exit(const struct stream_event *event);

/* process.c */
void process_begins(const struct stream_event *event);
void process_ends(const struct stream_event *event);

struct finding;

/* race.c: conflicts that are one unless their word turns out to be a flag */
void race_suspect(const struct record *store, const struct stream_event *other, struct line *line);
void race_flag(const struct edge *edge);
void race_keep(const struct finding *finding);
/* `other`: what was loaded in between, or STREAM_NO_OFFSET; it is no poll if `by` stores there, too. */
void race_poll(const struct stream_event *load, uint8_t by, uint64_t other);
void race_report(void);

/* held.c: what readers may yet throw away */
void held_load(const struct stream_event *load);
void held_locked(const struct stream_event *event);
/* Keep it unless its load is thrown away. */
void held_add(const struct finding *finding);
/* Was a load of `node` at `seq`, before the store, thrown away, or made where no writer has to wait for it? */
bool held_is_over(uint8_t node, const struct record *store, uint64_t seq);
void held_let_go(void);

/* defect.c */
enum kind {
	STALE_READ,
	UNFLUSHED_PUBLICATION,
	LOST_UPDATE,
	MISSING_FENCE,
	UNFLUSHED_AT_EXIT,
	DATA_RACE,
	CLEAN_WRITE_BACK,
	DOUBLE_FLUSH,
};
struct finding {
	enum kind kind;
	struct stream_event first, second; /* kind STREAM_NONE: there is none */
	struct stream_event flag, flag_load;
	struct flush flush;
	uint64_t bytes, line; /* which bytes of which line, by its offset */
	const char *note;
	bool polls; /* the second one polls other words */
};
void defect_report(const struct finding *finding);
void defect_report_times(const struct finding *finding, unsigned long times); /* of one place */
void defect_print(FILE *out);
unsigned long defect_count(void);
struct stream_event event_of(const struct record *record);

/* order in which rings are read: ring.c */
struct stream;
struct stream *stream_open(const char *folder, uint64_t first);
void stream_close(struct stream *stream);
const struct stream_event *stream_next(struct stream *stream, bool ending); /* NULL: none for now */
uint64_t stream_gaps(const struct stream *stream);

extern bool notes; /* performance notes are wanted */

#endif
