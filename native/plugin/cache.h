/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that are in a node's bounded cache, and the line to evict. This unit only keeps the
 * list; the caller moves the lines. */
#ifndef FAMULUS_CACHE_H
#define FAMULUS_CACHE_H

#include "shared.h"

#include <pthread.h>

struct cache {
	enum shared_eviction policy;
	uint64_t random; /* the random generator's state */
	uint32_t room, used;
	uint32_t newest, oldest; /* places, in the order of use */
	struct place *place;
	uint32_t *place_of; /* of each line of the pool, the place plus 1; 0: not in the cache */
	pthread_mutex_t mutex;
};

/* Returns false if there is no memory for the list. */
bool cache_open(struct cache *, const struct shared_control *, int node);
/* The node uses a line, for the first time or again. Returns the line to evict, or NO_LINE. */
uint64_t cache_use(struct cache *, uint64_t line);
/* The node no longer holds the line. */
void cache_forget(struct cache *, uint64_t line);

#endif
