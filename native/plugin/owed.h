/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flushes of pages that the process has not touched yet.
 *
 * A CPU's clflush makes the kernel map the page; QEMU's does nothing. So the flush is owed until the kernel has
 * mapped the page because of an access, and it is paid before that access is done: when the kernel returns. */
#ifndef FAMULUS_OWED_H
#define FAMULUS_OWED_H

#include "cpu.h"

void owed_add(struct cpu *, const struct site *, uint64_t vaddr);
/* The kernel is about to return from an interrupt or a fault. */
void owed_pay(struct cpu *);

#endif
