// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All rings of a folder as one stream in the order of `seq`, which is dense. A number that nobody
 * publishes (its node died) is passed over after a while.
 */
#include "analyser.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Seconds until a missing number is passed over: more than a CPU is kept from its thread, and less than a
 * writer waits for room (10 s, native/plugin/ring.c). */
#define PATIENCE   3.0
#define GATHER     0.3 /* the same for the first, which may be any */
#define LOOK_AGAIN 0.1 /* seconds between looks for new rings */
#define BATCH      64 /* events after which the writer is told that there is room */

struct source {
	struct source *next;
	char name[NAME_MAX + 1];
	struct stream_ring *ring;
	size_t bytes;
	uint64_t head, tail;
};

struct stream {
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

static bool is_known(const struct stream *stream, const char *name)
{
	for (const struct source *source = stream->sources; source; source = source->next)
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

static void add(struct stream *stream, const char *name)
{
	char path[PATH_MAX];
	size_t bytes = 0;
	snprintf(path, sizeof(path), "%s/%s", stream->folder, name);
	struct stream_ring *ring = map(path, &bytes);
	if (!ring)
		return;
	if (!is_ring(ring, bytes)) { /* being made; it is looked at again */
		munmap(ring, bytes);
		return;
	}
	struct source *source = get(sizeof(*source));
	memcpy(source->name, name, strlen(name) + 1);
	source->ring = ring;
	source->bytes = bytes;
	source->head = source->tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	source->next = stream->sources;
	stream->sources = source;
	__atomic_store_n(&ring->reader_pid, (uint64_t)getpid(), __ATOMIC_RELEASE);
}

static void look(struct stream *stream)
{
	DIR *folder = opendir(stream->folder);
	struct dirent *entry;
	stream->looked = now();
	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);
		if (length > 5 && !strcmp(entry->d_name + length - 5, ".ring") &&
		    !is_known(stream, entry->d_name))
			add(stream, entry->d_name);
	}
	if (folder)
		closedir(folder);
}

struct stream *stream_open(const char *folder, uint64_t first)
{
	struct stream *stream = get(sizeof(*stream));
	stream->folder = folder;
	stream->expected = first;
	look(stream);
	return stream;
}

static void give_room(struct source *source)
{
	__atomic_store_n(&source->ring->tail, source->tail, __ATOMIC_RELEASE);
}

void stream_close(struct stream *stream)
{
	for (struct source *source = stream->sources, *next; source; source = next) {
		next = source->next;
		give_room(source);
		__atomic_store_n(&source->ring->reader_pid, 0, __ATOMIC_RELEASE);
		munmap(source->ring, source->bytes);
		free(source);
	}
	free(stream);
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

static const struct stream_event *take(struct stream *stream, struct source *source)
{
	stream->event = *front(source);
	stream->current = source;
	stream->missing = 0;
	if (++source->tail % BATCH == 0)
		give_room(source);
	if (stream->event.seq >= stream->expected)
		stream->expected = stream->event.seq + 1;
	return &stream->event;
}

/* The source with the lowest number. */
static struct source *lowest(struct stream *stream)
{
	struct source *found = NULL;
	for (struct source *source = stream->sources; source; source = source->next) {
		const struct stream_event *event = front(source);
		if (event && (!found || event->seq < front(found)->seq))
			found = source;
	}
	return found;
}

static bool is_patient(struct stream *stream)
{
	if (!stream->missing)
		stream->missing = now();
	return now() - stream->missing < (stream->expected ? PATIENCE : GATHER);
}

const struct stream_event *stream_next(struct stream *stream, bool ending)
{
	const struct stream_event *event = stream->current ? front(stream->current) : NULL;
	if (event && event->seq <= stream->expected)
		return take(stream, stream->current);
	if (now() - stream->looked > LOOK_AGAIN || ending)
		look(stream);
	struct source *source = lowest(stream);
	if (source && front(source)->seq <= stream->expected)
		return take(stream, source);
	if (!source || (!ending && is_patient(stream)))
		return NULL;
	look(stream);
	source = lowest(stream); /* the missing one may have come meanwhile, even in a new ring */
	stream->gaps += stream->expected && front(source)->seq > stream->expected;
	return take(stream, source);
}

uint64_t stream_gaps(const struct stream *stream)
{
	return stream->gaps;
}
