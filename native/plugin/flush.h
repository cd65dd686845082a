/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cache instructions and fences. */
#ifndef FAMULUS_FLUSH_H
#define FAMULUS_FLUSH_H

#include "cpu.h"

/* clflush, clflushopt, clwb */
void flush_line(struct cpu *, const struct site *);
/* wbinvd, wbnoinvd */
void flush_all(struct cpu *, const struct site *);
/* sfence, mfence, lfence; `low` as in event.h. */
void flush_fence(struct cpu *, enum stream_event_kind, unsigned low);

#endif
