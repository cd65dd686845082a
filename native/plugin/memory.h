/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Callbacks for the loads and stores of programs. Each callback runs at each access to memory, so
 * the paths for memory outside the pool and for lines that need no work are short. */
#ifndef FAMULUS_MEMORY_H
#define FAMULUS_MEMORY_H

#include "decode.h"
#include "qemu_api.h"

/* Register callbacks for the accesses of an instruction. `low`: see address_pc(). */
void memory_watch(struct qemu_plugin_insn *, enum operation, uint64_t low);

#endif
