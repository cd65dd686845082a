/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines a node's cache has room for. It keeps count only; the caller moves the lines. */
#ifndef FAMULUS_CACHE_H
#define FAMULUS_CACHE_H

#include "shared.h"

#include <pthread.h>

#define NO_LINE UINT64_MAX

struct cache {
	enum shared_eviction policy;
	uint64_t random; /* the state of its generator */
	uint32_t room, used;
	uint32_t newest, oldest; /* places; of LRU only */
	struct place *place;
	uint32_t *place_of; /* of each line of the pool, plus 1; 0: none */
	pthread_mutex_t mutex;
};

/* False if there is no memory. */
bool cache_open(struct cache *, const struct shared_control *, int node);
/* A line was taken, or used again. Returns the line that must go for it, or NO_LINE. */
uint64_t cache_use(struct cache *, uint64_t line);
void cache_forget(struct cache *, uint64_t line);

#endif
