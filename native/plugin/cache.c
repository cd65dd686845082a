// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "cache.h"

#include <stdlib.h>
#include <sys/mman.h>

struct place {
	uint64_t line;
	uint32_t newer, older;
};

#define NOWHERE UINT32_MAX

bool cache_open(struct cache *cache, const struct shared_control *control, int node)
{
	cache->policy = control->cache_lines ? control->eviction : EVICT_NONE;
	cache->newest = cache->oldest = NOWHERE;
	cache->random = (control->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)node;
	if (cache->policy == EVICT_NONE)
		return true;
	uint64_t lines = control->pool_size / LINE_BYTES;
	cache->room = control->cache_lines < NOWHERE ? (uint32_t)control->cache_lines : NOWHERE - 1;
	cache->place = calloc(cache->room, sizeof(*cache->place));
	cache->place_of = mmap(NULL, lines * sizeof(uint32_t), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_mutex_init(&cache->mutex, NULL);
	return cache->place && cache->place_of != MAP_FAILED;
}

/* Marsaglia's xorshift64*, as in Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators". */
static uint64_t any(struct cache *cache)
{
	cache->random ^= cache->random >> 12;
	cache->random ^= cache->random << 25;
	cache->random ^= cache->random >> 27;
	return cache->random * UINT64_C(2685821657736338717);
}

static void unlink_place(struct cache *cache, uint32_t at)
{
	struct place *place = &cache->place[at];
	*(place->newer == NOWHERE ? &cache->newest : &cache->place[place->newer].older) =
		place->older;
	*(place->older == NOWHERE ? &cache->oldest : &cache->place[place->older].newer) =
		place->newer;
}

static void link_newest(struct cache *cache, uint32_t at)
{
	cache->place[at].older = cache->newest;
	cache->place[at].newer = NOWHERE;
	*(cache->newest == NOWHERE ? &cache->oldest : &cache->place[cache->newest].newer) = at;
	cache->newest = at;
}

static void put(struct cache *cache, uint32_t at, uint64_t line)
{
	cache->place[at].line = line;
	cache->place_of[line] = at + 1;
	link_newest(cache, at);
}

static uint64_t add(struct cache *cache, uint64_t line)
{
	if (cache->used < cache->room) {
		put(cache, cache->used++, line);
		return NO_LINE;
	}
	uint32_t at =
		cache->policy == EVICT_LRU ? cache->oldest : (uint32_t)(any(cache) % cache->room);
	uint64_t victim = cache->place[at].line;
	unlink_place(cache, at);
	cache->place_of[victim] = 0;
	put(cache, at, line);
	return victim;
}

uint64_t cache_use(struct cache *cache, uint64_t line)
{
	uint64_t victim = NO_LINE;
	if (cache->policy == EVICT_NONE)
		return victim;
	pthread_mutex_lock(&cache->mutex);
	uint32_t place = cache->place_of[line];
	if (!place) {
		victim = add(cache, line);
	} else if (place - 1 != cache->newest) {
		unlink_place(cache, place - 1);
		link_newest(cache, place - 1);
	}
	pthread_mutex_unlock(&cache->mutex);
	return victim;
}

/* The content of the last place moves to the free place. */
void cache_forget(struct cache *cache, uint64_t line)
{
	if (cache->policy == EVICT_NONE)
		return;
	pthread_mutex_lock(&cache->mutex);
	uint32_t place = cache->place_of[line];
	if (place) {
		uint32_t at = place - 1, last = cache->used - 1;
		unlink_place(cache, at);
		cache->place_of[line] = 0;
		if (at != last) {
			struct place *moved = &cache->place[at];
			*moved = cache->place[last];
			*(moved->newer == NOWHERE ? &cache->newest
						  : &cache->place[moved->newer].older) = at;
			*(moved->older == NOWHERE ? &cache->oldest
						  : &cache->place[moved->older].newer) = at;
			cache->place_of[moved->line] = at + 1;
		}
		cache->used--;
	}
	pthread_mutex_unlock(&cache->mutex);
}
