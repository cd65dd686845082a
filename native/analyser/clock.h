/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector clocks. Each node has one clock with one element for each node. All nodes share one
 * counter of events, so an element is a sequence number: node j knows all events of node i up to
 * clock_of(j, i).
 *
 * A snapshot is a copy of a node's clock that records refer to by number; number 0 is a clock of
 * zeros.
 */
#ifndef ANALYSER_CLOCK_H
#define ANALYSER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

uint64_t clock_of(uint8_t node, uint8_t of);
void clock_set(uint8_t node, uint8_t of, uint64_t seq);

uint32_t snapshot_of(uint8_t node); /* of the node's clock now */
uint64_t snapshot_at(uint32_t snapshot, uint8_t node);

/* Free snapshots: mark all that are in use, then collect the others. */
bool snapshot_is_due(void);
void snapshot_mark(uint32_t snapshot);
void snapshot_collect(void);

#endif
