/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write events into a CPU's ring. All functions do nothing if the CPU has no ring. `low`: the low
 * 12 bits of the instruction's address, see address_pc().
 *
 * All functions wait for room in the ring, unless the CPU is `hasty`: a CPU that has a line's lock,
 * or QEMU's own lock, must not wait, for other nodes and QEMU's monitor would wait too. */
#ifndef FAMULUS_EVENT_H
#define FAMULUS_EVENT_H

#include "cpu.h"

/* Only wait for room. */
void event_wait(struct cpu *);
void event_put(struct cpu *, enum stream_event_kind, uint64_t offset, unsigned low);
void event_put_at(struct cpu *, enum stream_event_kind, uint64_t offset, uint64_t pc);
/* The part of an access that begins at `offset`. */
void event_access(struct cpu *, const struct access *, uint64_t offset, unsigned size);
/* The start or the end of a process, whose id and thread group id the program has put into ebx and
 * ecx. */
void event_process(struct cpu *, enum stream_event_kind, unsigned low);

#endif
