/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines a node's cache has room for. It keeps count only; the caller moves the lines. */
#ifndef FAMULUS_CACHE_H
#define FAMULUS_CACHE_H

#include "shared.h"

#include <pthread.h>

#define FAM_NO_LINE UINT64_MAX

struct fam_cache {
	enum fam_eviction policy;
	uint64_t random; /* the state of its generator */
	uint32_t room, used;
	uint32_t newest, oldest; /* places; of LRU only */
	struct fam_place *place;
	uint32_t *place_of; /* of each line of the pool, plus 1; 0: none */
	pthread_mutex_t mutex;
};

/* False if there is no memory. */
bool fam_cache_open(struct fam_cache *, const struct fam_control *, int node);
/* A line was taken, or used again. Returns the line that must go for it, or FAM_NO_LINE. */
uint64_t fam_cache_use(struct fam_cache *, uint64_t line);
void fam_cache_forget(struct fam_cache *, uint64_t line);

#endif
