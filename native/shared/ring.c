// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "ring.h"
#include "identity.h"
#include "waits.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAP     50 /* microseconds */
#define LOOK    1000 /* naps between two checks whether the reader lives */
#define RESERVE 4 /* the last quarter of a ring is its reserve */

static void *map_new(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *at = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return at == MAP_FAILED ? NULL : at;
}

bool ring_reader(struct shared_fabric *f)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/stream/reader.state", f->folder);
	if (!f->reader)
		f->reader = map_new(path, sizeof(*f->reader));
	return f->reader;
}

struct stream_ring *ring_open(struct shared_fabric *f, int node, unsigned cpu)
{
	char path[4096];
	uint64_t capacity = f->control->ring_events;
	uint64_t size = sizeof(struct stream_ring) + capacity * sizeof(struct stream_event);
	snprintf(path, sizeof(path), "%s/stream/node%d.cpu%u.ring", f->folder, node, cpu);
	struct stream_ring *ring = ring_reader(f) ? map_new(path, size) : NULL;
	if (!ring)
		return NULL;
	ring->version = STREAM_VERSION;
	ring->capacity = (uint32_t)capacity;
	ring->node = (uint8_t)node;
	ring->cpu = (uint8_t)cpu;
	__atomic_store_n(&ring->draws, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->writer, identity_self(), __ATOMIC_RELEASE);
	__atomic_store_n(&ring->magic, STREAM_MAGIC, __ATOMIC_RELEASE);
	__atomic_fetch_add(&f->reader->rings, 1, __ATOMIC_RELEASE);
	return ring;
}

static bool has_room(const struct stream_ring *ring, uint64_t capacity)
{
	return ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) < capacity;
}

static bool may_wait(const struct shared_fabric *f)
{
	const struct shared_node *node = &f->control->node[f->self];
	return __atomic_load_n(&f->reader->waits, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&node->hurry, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&node->wanted, __ATOMIC_RELAXED) & PLUGIN_STREAMS;
}

void ring_wait(struct shared_fabric *f, const struct stream_ring *ring)
{
	uint64_t room = ring->capacity - ring->capacity / RESERVE;
	if (has_room(ring, room))
		return;
	uint64_t began = waits_now();
	for (unsigned naps = 0; !has_room(ring, room) && may_wait(f); naps++) {
		uint64_t reader = __atomic_load_n(&f->reader->process, __ATOMIC_ACQUIRE);
		if (naps % LOOK == 0 && !identity_lives(reader))
			__atomic_compare_exchange_n(&f->reader->process, &reader, 0, false,
						    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
		if (!reader)
			break;
		waits_say(f, WAITS_READER, began);
		usleep(NAP);
	}
	waits_end(f);
}

void ring_put(struct shared_fabric *f, struct stream_ring *ring, struct stream_event *event)
{
	__atomic_store_n(&ring->draws, 1, __ATOMIC_RELAXED); /* the next line orders this store */
	event->seq = __atomic_fetch_add(&f->control->seq, 1, __ATOMIC_ACQ_REL);
	if (has_room(ring, ring->capacity)) {
		ring->event[ring->head & (ring->capacity - 1)] = *event;
		__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
	} else {
		__atomic_store_n(&ring->lost, event->seq + 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&ring->draws, 0, __ATOMIC_RELEASE);
}
