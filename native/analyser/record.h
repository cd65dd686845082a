/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of stores whose bytes a node or the pool may still hold. Later stores overwrite most of
 * them soon: records to which no line refers are collected when the number of records has doubled.
 */
#ifndef ANALYSER_RECORD_H
#define ANALYSER_RECORD_H

#include "stream.h"

#include <stdbool.h>
#include <stdint.h>

/* Number of a record. Number 0 stands for the bytes that lay in the pool before the first store. */
typedef uint32_t rec_t;

struct record {
	uint64_t seq, pc, offset, space, thread, value;
	uint64_t flushed; /* when a write-back of the store was begun; 0: not yet */
	uint64_t done; /* when the write-back was complete, fence included; NEVER: not yet */
	uint32_t snapshot; /* the clock of the store's node at the store */
	uint16_t size;
	uint8_t node, kind;
};

void record_start(void); /* make record 0 */
struct record *record_at(rec_t record); /* valid until the next record_new */
rec_t record_new(const struct stream_event *event,
		 rec_t reused); /* reused: a record to reuse, or 0 */
struct record record_of(const struct stream_event *event); /* without number and snapshot */
struct stream_event record_event(const struct record *record);

/* Free records and snapshots: clear all marks, mark the records that are in use, free the
 * others. */
bool record_collection_is_due(void);
void record_clear_marks(void);
void record_mark(rec_t record);
void record_sweep(void);

#endif
