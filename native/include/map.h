/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash map: open addressing with linear probing, at most half full, nothing is ever removed. The
 * map holds pointers to the caller's entries, which contain their keys. A map of zeros is empty.
 */
#ifndef FAMULUS_MAP_H
#define FAMULUS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct map_slot {
	uint64_t hash;
	void *entry; /* NULL: the slot is free */
};

struct map {
	struct map_slot *slots;
	uint64_t used;
	unsigned bits; /* there are 1 << bits slots, none if `slots` is NULL */
};

/* Tell whether `entry` has the key `key`. */
typedef bool map_same(const void *entry, const void *key);

/*
 * Hash a key of one word. Different keys have different hashes, for the factor is odd. The factor's
 * high bits are those of the golden ratio: Knuth, The Art of Computer Programming, volume 3,
 * section 6.4.
 */
static inline uint64_t map_hash(uint64_t key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15);
}

/* Hash a key of more words: the hash of the words before, and the next word. */
static inline uint64_t map_hash_more(uint64_t hash, uint64_t key)
{
	return map_hash((hash ^ hash >> 32) + key);
}

static inline uint64_t map_slots(const struct map *map)
{
	return map->slots ? UINT64_C(1) << map->bits : 0;
}

/* Return the entry, or NULL. `same` NULL: the key is one word, so the hash tells keys apart. */
static inline void *map_find(const struct map *map, uint64_t hash, map_same *same, const void *key)
{
	if (!map->slots)
		return NULL;
	uint64_t last = map_slots(map) - 1;
	for (uint64_t at = hash >> (64 - map->bits); map->slots[at].entry; at = (at + 1) & last)
		if (map->slots[at].hash == hash && (!same || same(map->slots[at].entry, key)))
			return map->slots[at].entry;
	return NULL;
}

static inline void map_put(struct map *map, struct map_slot slot)
{
	uint64_t last = map_slots(map) - 1, at = slot.hash >> (64 - map->bits);
	while (map->slots[at].entry)
		at = (at + 1) & last;
	map->slots[at] = slot;
}

static inline bool map_grow(struct map *map)
{
	struct map larger = {.used = map->used, .bits = map->slots ? map->bits + 1 : 6};
	larger.slots = calloc(UINT64_C(1) << larger.bits, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (uint64_t i = 0; i < map_slots(map); i++)
		if (map->slots[i].entry)
			map_put(&larger, map->slots[i]);
	free(map->slots);
	*map = larger;
	return true;
}

/* Add an entry whose key is not in the map yet. Return false if there is no memory; the map is as
 * before then. */
static inline bool map_add(struct map *map, uint64_t hash, void *entry)
{
	if (map->used * 2 >= map_slots(map) && !map_grow(map))
		return false;
	map_put(map, (struct map_slot){hash, entry});
	map->used++;
	return true;
}

/* Each slot `slot` that holds an entry, in no order. Do not add entries meanwhile. */
#define MAP_EACH(slot, map) \
	for (const struct map_slot *slot = (map)->slots; slot != (map)->slots + map_slots(map); \
	     slot++) \
		if (slot->entry)

#endif
