// SPDX-License-Identifier: GPL-2.0-or-later
#include "rings.h"

#include "memory.h"
#include "identity.h"

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

#define LONG  1.0 /* seconds until `missing` (stream.h) says for whom the reader waits */
#define BATCH 64 /* events after which the reader tells the writer that there is room */

struct source {
	struct source *next;
	char name[NAME_MAX + 1];
	struct stream_ring *ring;
	size_t bytes;
	uint64_t head, tail;
};

struct rings {
	const char *folder;
	struct stream_reader *reader;
	struct source *sources, *current;
	uint64_t expected, looked; /* `looked`: the reader's count of rings at the last look */
	double missing; /* since when `expected` is missing; 0: not */
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

static void *map(const char *path, int flags, size_t least, size_t *bytes)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	void *memory = MAP_FAILED;
	if (fd >= 0 && flags & O_CREAT && ftruncate(fd, (off_t)least))
		perror(path);
	if (fd >= 0 && !fstat(fd, &status) && (*bytes = (size_t)status.st_size) >= least)
		memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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
	struct stream_ring *ring = map(path, 0, sizeof(*ring), &bytes);
	if (!ring)
		return;
	if (!is_ring(ring, bytes)) { /* the writer still makes the ring, and counts the ring then */
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
}

static void look(struct rings *rings)
{
	uint64_t count = __atomic_load_n(&rings->reader->rings, __ATOMIC_ACQUIRE);
	if (count == rings->looked)
		return;
	rings->looked = count;
	DIR *folder = opendir(rings->folder);
	struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);
		if (length > 5 && !strcmp(entry->d_name + length - 5, ".ring") &&
		    !is_known(rings, entry->d_name))
			add(rings, entry->d_name);
	}
	if (folder)
		closedir(folder);
}

/* Skip what was before: events that nobody has read, and an event that a node was about to write
 * when it died. */
static void skip(struct source *source)
{
	struct stream_ring *ring = source->ring;
	source->tail = source->head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	if (!identity_lives(__atomic_load_n(&ring->writer, __ATOMIC_ACQUIRE)))
		__atomic_store_n(&ring->draws, 0, __ATOMIC_RELAXED);
}

struct rings *rings_open(const char *folder, bool waits)
{
	struct rings *rings = allocate(sizeof(*rings));
	char path[PATH_MAX];
	size_t bytes;
	snprintf(path, sizeof(path), "%s/reader.state", folder);
	rings->folder = folder;
	rings->reader = map(path, O_CREAT, sizeof(*rings->reader), &bytes);
	if (!rings->reader)
		return NULL;
	look(rings);
	for (struct source *source = rings->sources; source; source = source->next)
		skip(source);
	__atomic_store_n(&rings->reader->missing, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&rings->reader->waits, waits, __ATOMIC_RELAXED);
	__atomic_store_n(&rings->reader->process, identity_self(), __ATOMIC_RELEASE);
	return rings;
}

static void give_room(struct source *source)
{
	__atomic_store_n(&source->ring->tail, source->tail, __ATOMIC_RELEASE);
}

void rings_close(struct rings *rings)
{
	__atomic_store_n(&rings->reader->process, 0, __ATOMIC_RELEASE);
	munmap(rings->reader, sizeof(*rings->reader));
	for (struct source *source = rings->sources, *next; source; source = next) {
		next = source->next;
		give_room(source);
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

static void is_there(struct rings *rings)
{
	rings->missing = 0;
	__atomic_store_n(&rings->reader->missing, 0, __ATOMIC_RELAXED);
}

static const struct stream_event *take(struct rings *rings, struct source *source)
{
	rings->event = *front(source);
	rings->current = source;
	if (rings->missing)
		is_there(rings);
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

/* The node that has drawn, or is about to draw, a number that it has not published; 0: none. */
static uint8_t drawing(const struct rings *rings)
{
	for (const struct source *source = rings->sources; source; source = source->next)
		if (__atomic_load_n(&source->ring->draws, __ATOMIC_ACQUIRE) &&
		    identity_lives(__atomic_load_n(&source->ring->writer, __ATOMIC_ACQUIRE)))
			return source->ring->node;
	return 0;
}

/* Whether the missing number may still come. */
static bool may_come(struct rings *rings)
{
	uint8_t node = drawing(rings);
	if (!rings->missing)
		rings->missing = now();
	if (node && now() - rings->missing > LONG)
		__atomic_store_n(&rings->reader->missing, node, __ATOMIC_RELAXED);
	return node;
}

static bool is_next(const struct rings *rings, const struct stream_event *event)
{
	return event && rings->expected && event->seq <= rings->expected;
}

const struct stream_event *rings_next(struct rings *rings, bool ending)
{
	if (rings->current && is_next(rings, front(rings->current)))
		return take(rings, rings->current);
	look(rings);
	struct source *source = lowest(rings);
	if (source && is_next(rings, front(source)))
		return take(rings, source);
	if (!source || (may_come(rings) && !ending))
		return NULL;
	look(rings);
	source = lowest(rings); /* the number may have come meanwhile, even in a new ring */
	return take(rings, source);
}

uint64_t rings_lost(const struct rings *rings)
{
	uint64_t end = rings->expected;
	for (const struct source *source = rings->sources; source && end; source = source->next) {
		uint64_t lost = __atomic_load_n(&source->ring->lost, __ATOMIC_RELAXED);
		end = lost > end ? lost : end;
	}
	return end - rings->expected;
}

bool rings_draws(const struct rings *rings)
{
	for (const struct source *source = rings->sources; source; source = source->next)
		if (__atomic_load_n(&source->ring->draws, __ATOMIC_RELAXED))
			return true;
	return false;
}
