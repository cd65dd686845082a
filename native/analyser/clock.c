// SPDX-License-Identifier: GPL-2.0-or-later
#include "clock.h"

#include "memory.h"
#include "sizes.h"

#include <string.h>

#define SNAPSHOTS (1U << 16) /* new ones, of 520 bytes each, before a collection is due */

static uint64_t clocks[NODES][NODES];
static uint64_t (*snapshots)[NODES]; /* free ones are chained by element 0 */
static unsigned char *marks;
static uint32_t used = 1, room, next_free, taken;
static uint32_t current[NODES]; /* the snapshot that equals a node's clock; 0: none */

uint64_t clock_of(uint8_t node, uint8_t of)
{
	return clocks[node][of];
}

void clock_set(uint8_t node, uint8_t of, uint64_t seq)
{
	clocks[node][of] = seq;
	current[node] = 0;
}

static uint32_t place(void)
{
	uint32_t found = next_free;
	if (found) {
		next_free = (uint32_t)snapshots[found][0];
		return found;
	}
	if (used >= room) {
		room = room ? 2 * room : 64;
		snapshots = resize(snapshots, room, sizeof(*snapshots));
		marks = resize(marks, room, 1);
		memset(snapshots[used], 0, (room - used) * sizeof(*snapshots));
	}
	return used++;
}

uint32_t snapshot_of(uint8_t node)
{
	if (!current[node]) {
		current[node] = place();
		taken++;
		memcpy(snapshots[current[node]], clocks[node], sizeof(*snapshots));
	}
	return current[node];
}

uint64_t snapshot_at(uint32_t snapshot, uint8_t node)
{
	return snapshot ? snapshots[snapshot][node] : 0;
}

bool snapshot_is_due(void)
{
	return taken >= SNAPSHOTS;
}

void snapshot_mark(uint32_t snapshot)
{
	marks[snapshot] = 1;
}

void snapshot_collect(void)
{
	for (unsigned node = 0; node < NODES; node++)
		marks[current[node]] = 1;
	next_free = 0;
	for (uint32_t i = used - 1; i; i--) {
		if (!marks[i]) {
			snapshots[i][0] = next_free;
			next_free = i;
		}
	}
	memset(marks, 0, room);
	taken = 0;
}
