// SPDX-License-Identifier: GPL-2.0-or-later
#include "rings.h"

#include "memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Seconds until a missing number is skipped: more than the host delays a thread of QEMU, and less
 * than a writer waits for room (10 s, native/shared/ring.c). */
#define TIMEOUT    3.0
#define GATHER     0.3 /* seconds until the first number is taken, which may be any */
#define LOOK_AGAIN 0.1 /* seconds between looks for new rings */
#define BATCH      64 /* events after which the reader tells the writer that there is room */

struct source {
	struct source *next;
	char name[NAME_MAX + 1];
	struct stream_ring *ring;
	size_t bytes;
	uint64_t head, tail;
};

struct rings {
	const char *folder;
	struct source *sources, *current;
	uint64_t expected, gaps;
	double looked, missing;
	struct stream_event event;
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool is_known(const struct rings *rings, const char *name)
{
	for (const struct source *source = rings->sources; source; source = source->next)
		if (!strcmp(source->name, name))
			return true;
	return false;
}

static struct stream_ring *map(const char *path, size_t *bytes)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *memory = MAP_FAILED;
	if (fd >= 0 && !fstat(fd, &status) && status.st_size > (off_t)sizeof(struct stream_ring)) {
		*bytes = (size_t)status.st_size;
		memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

static bool is_ring(struct stream_ring *ring, size_t bytes)
{
	uint64_t magic = __atomic_load_n(&ring->magic, __ATOMIC_ACQUIRE);
	return magic == STREAM_MAGIC && ring->version == STREAM_VERSION && ring->capacity &&
	       !(ring->capacity & (ring->capacity - 1)) &&
	       bytes >= sizeof(*ring) + ring->capacity * sizeof(struct stream_event);
}

static void add(struct rings *rings, const char *name)
{
	char path[PATH_MAX];
	size_t bytes = 0;
	snprintf(path, sizeof(path), "%s/%s", rings->folder, name);
	struct stream_ring *ring = map(path, &bytes);
	if (!ring)
		return;
	if (!is_ring(ring, bytes)) { /* the writer still makes the ring; `look` tries again */
		munmap(ring, bytes);
		return;
	}
	struct source *source = allocate(sizeof(*source));
	memcpy(source->name, name, strlen(name) + 1);
	source->ring = ring;
	source->bytes = bytes;
	source->head = source->tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	source->next = rings->sources;
	rings->sources = source;
	__atomic_store_n(&ring->reader_pid, (uint64_t)getpid(), __ATOMIC_RELEASE);
}

static void look(struct rings *rings)
{
	DIR *folder = opendir(rings->folder);
	struct dirent *entry;
	rings->looked = now();
	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);
		if (length > 5 && !strcmp(entry->d_name + length - 5, ".ring") &&
		    !is_known(rings, entry->d_name))
			add(rings, entry->d_name);
	}
	if (folder)
		closedir(folder);
}

struct rings *rings_open(const char *folder)
{
	struct rings *rings = allocate(sizeof(*rings));
	rings->folder = folder;
	look(rings);
	return rings;
}

static void give_room(struct source *source)
{
	__atomic_store_n(&source->ring->tail, source->tail, __ATOMIC_RELEASE);
}

void rings_close(struct rings *rings)
{
	for (struct source *source = rings->sources, *next; source; source = next) {
		next = source->next;
		give_room(source);
		__atomic_store_n(&source->ring->reader_pid, 0, __ATOMIC_RELEASE);
		munmap(source->ring, source->bytes);
		free(source);
	}
	free(rings);
}

static const struct stream_event *front(struct source *source)
{
	if (source->tail == source->head) {
		give_room(source);
		source->head = __atomic_load_n(&source->ring->head, __ATOMIC_ACQUIRE);
	}
	if (source->tail == source->head)
		return NULL;
	return &source->ring->event[source->tail & (source->ring->capacity - 1)];
}

static const struct stream_event *take(struct rings *rings, struct source *source)
{
	rings->event = *front(source);
	rings->current = source;
	rings->missing = 0;
	if (++source->tail % BATCH == 0)
		give_room(source);
	if (rings->event.seq >= rings->expected)
		rings->expected = rings->event.seq + 1;
	return &rings->event;
}

/* Return the source whose next event has the lowest number. */
static struct source *lowest(struct rings *rings)
{
	struct source *found = NULL;
	for (struct source *source = rings->sources; source; source = source->next) {
		const struct stream_event *event = front(source);
		if (event && (!found || event->seq < front(found)->seq))
			found = source;
	}
	return found;
}

static bool still_waits(struct rings *rings)
{
	if (!rings->missing)
		rings->missing = now();
	return now() - rings->missing < (rings->expected ? TIMEOUT : GATHER);
}

const struct stream_event *rings_next(struct rings *rings, bool ending)
{
	const struct stream_event *event = rings->current ? front(rings->current) : NULL;
	if (event && event->seq <= rings->expected)
		return take(rings, rings->current);
	if (now() - rings->looked > LOOK_AGAIN || ending)
		look(rings);
	struct source *source = lowest(rings);
	if (source && front(source)->seq <= rings->expected)
		return take(rings, source);
	if (!source || (!ending && still_waits(rings)))
		return NULL;
	look(rings);
	source = lowest(rings); /* the missing number may have come meanwhile, even in a new ring */
	rings->gaps += rings->expected && front(source)->seq > rings->expected;
	return take(rings, source);
}

uint64_t rings_gaps(const struct rings *rings)
{
	return rings->gaps;
}
