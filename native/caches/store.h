/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Store to the pool as a machine without a cache. Both functions return the exit status. */
#ifndef FAMULUS_STORE_H
#define FAMULUS_STORE_H

#include "shared.h"

/* Store standard input at `offset`. */
int store_input(struct shared_fabric *, uint64_t offset);
/* Store `size` zeros at `offset`. */
int store_zeros(struct shared_fabric *, const char *pool, uint64_t offset, uint64_t size);

#endif
