/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flushes of pages that the process has not accessed yet.
 *
 * On a real CPU, clflush makes the kernel map the page; in QEMU, clflush does nothing. Therefore
 * the plugin keeps the flush, and does the flush when the kernel has mapped the page for an access:
 * when the kernel returns to the process, before the access. */
#ifndef FAMULUS_OWED_H
#define FAMULUS_OWED_H

#include "cpu.h"

/* Keep the flush of `site`, whose operand is at `vaddr`. */
void owed_add(struct cpu *, const struct site *, uint64_t vaddr);
/* The kernel is about to return from an interrupt or a fault: do the flushes of pages that are
 * mapped now. */
void owed_pay(struct cpu *);

#endif
