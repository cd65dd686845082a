/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the host. No function returns NULL: the program ends if the host has no memory left. */
#ifndef ANALYSER_MEMORY_H
#define ANALYSER_MEMORY_H

#include "map.h"

void *allocate(size_t bytes); /* zeros */
void *resize(void *old, size_t elements, size_t size);
void insert(struct map *map, uint64_t hash, void *entry); /* map_add */

#endif
