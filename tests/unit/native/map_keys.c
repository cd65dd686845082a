// SPDX-License-Identifier: GPL-2.0-or-later
/* Add keys to a map and look all keys up again. Exit code 0: all right. */
#include "map.h"

#include <stdio.h>

#define KEYS 100000

static uint64_t keys[2 * KEYS];

static bool is_same(const void *entry, const void *key)
{
	return *(const uint64_t *)entry == *(const uint64_t *)key;
}

/* All keys have one hash: only the comparison tells them apart. */
static int collide(void)
{
	static struct map map;
	uint64_t absent = 7;
	for (unsigned i = 0; i < 200; i++)
		if (map_find(&map, 1, is_same, &keys[i]) || !map_add(&map, 1, &keys[i]))
			return 1;
	for (unsigned i = 0; i < 200; i++)
		if (map_find(&map, 1, is_same, &keys[i]) != &keys[i])
			return 1;
	return map_find(&map, 1, is_same, &absent) != NULL;
}

static int many(void)
{
	static struct map map;
	unsigned found = 0;
	if (map_find(&map, map_hash(0), NULL, NULL))
		return 1;
	for (unsigned i = 0; i < KEYS; i++)
		if (!map_add(&map, map_hash(keys[i]), &keys[i]))
			return 1;
	for (unsigned i = 0; i < 2 * KEYS; i++) {
		void *expected = i < KEYS ? &keys[i] : NULL;
		if (map_find(&map, map_hash(keys[i]), NULL, NULL) != expected)
			return 1;
	}
	MAP_EACH(slot, &map)
		found++;
	return found != KEYS || map.used != KEYS || map_slots(&map) < 2 * (uint64_t)KEYS;
}

int main(void)
{
	for (unsigned i = 0; i < 2 * KEYS; i++)
		keys[i] = (uint64_t)i * 64;
	if (collide())
		puts("keys of one hash are mixed up");
	else if (many())
		puts("keys are lost, or found twice");
	else
		return 0;
	return 1;
}
