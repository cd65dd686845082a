// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAP     50 /* microseconds */
#define LOOK    1000 /* naps between two checks whether the reader lives */
#define TIMEOUT 200000 /* naps: after 10 s without progress the ring has no reader */

struct stream_ring *ring_open(const struct shared_fabric *f, int node, unsigned cpu)
{
	char path[4096];
	uint64_t capacity = f->control->ring_events;
	uint64_t size = sizeof(struct stream_ring) + capacity * sizeof(struct stream_event);
	snprintf(path, sizeof(path), "%s/stream/node%d.cpu%u.ring", f->folder, node, cpu);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stream_ring *ring = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (ring == MAP_FAILED)
		return NULL;
	ring->version = STREAM_VERSION;
	ring->capacity = (uint32_t)capacity;
	ring->node = (uint8_t)node;
	ring->cpu = (uint8_t)cpu;
	__atomic_store_n(&ring->magic, STREAM_MAGIC, __ATOMIC_RELEASE);
	return ring;
}

static bool full(const struct stream_ring *ring)
{
	return ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >= ring->capacity;
}

/* Return whether the ring has room. */
static bool wait_for_room(struct stream_ring *ring)
{
	for (unsigned naps = 0; full(ring); naps++) {
		uint64_t reader = __atomic_load_n(&ring->reader_pid, __ATOMIC_ACQUIRE);
		if (!reader)
			return false;
		bool dead = naps % LOOK == 0 && kill((pid_t)reader, 0) && errno == ESRCH;
		if (dead || naps > TIMEOUT)
			__atomic_store_n(&ring->reader_pid, 0, __ATOMIC_RELEASE);
		else
			usleep(NAP);
	}
	return true;
}

void ring_put(struct shared_fabric *f, struct stream_ring *ring, struct stream_event *event)
{
	if (!wait_for_room(ring)) {
		ring->dropped++;
		return;
	}
	event->seq = __atomic_fetch_add(&f->control->seq, 1, __ATOMIC_ACQ_REL);
	ring->event[ring->head & (ring->capacity - 1)] = *event;
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
}
