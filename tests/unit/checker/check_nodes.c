// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nodes with caches, on the host: a process acts as a program on node FAMULUS_NODE. The program is
 * compiled with -fsanitize=thread, whose calls before each access come here instead of to its own
 * library; open, mmap, memcpy and memset are wrapped, and the names of the flush instructions are
 * functions here (check_nodes.h). This file changes the nodes' images in the folder FAMULUS_TEST as
 * the plugin changes the images of real nodes, and writes the events into the rings there, one for
 * each node.
 */
#define _GNU_SOURCE
#include "stream.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL     (1 << 20)
#define LINES    (POOL / 64)
#define NODES    5
#define CAPACITY 4096
#define FAKE_FD  1000
#define PENDING  64
#define PC       ((uint64_t)__builtin_return_address(0))

struct world {
	pthread_mutex_t mutex;
	uint64_t made, seq;
	uint64_t dirty[NODES][LINES];
	uint8_t held[NODES][LINES];
	struct {
		uint64_t line, kind;
	} pending[NODES][PENDING];
	unsigned pendings[NODES];
	char pool[POOL] __attribute__((aligned(4096)));
	char image[NODES][POOL] __attribute__((aligned(4096)));
};

int __real_open(const char *path, int flags, ...);
void *__real_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__real_memset(void *to, int value, size_t bytes);

static struct world *world;
static struct stream_ring *ring;
static int world_fd, node;
static char *view; /* the program's mapping of its node's image */
static size_t view_bytes;
static uint64_t view_offset;
static __thread struct stream_event
	stored; /* a store whose event is written once the store is done */

static void *map_file(const char *name, size_t bytes, int *fd)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", getenv("FAMULUS_TEST"), name);
	*fd = __real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0 || ftruncate(*fd, (off_t)bytes))
		abort();
	return __real_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
}

static void make_ring(void)
{
	char name[64];
	int fd;
	size_t bytes = sizeof(struct stream_ring) + CAPACITY * sizeof(struct stream_event);
	snprintf(name, sizeof(name), "node%d.cpu0.ring", node);
	ring = map_file(name, bytes, &fd);
	ring->version = STREAM_VERSION;
	ring->capacity = CAPACITY;
	ring->node = (uint8_t)node;
	__atomic_store_n(&ring->magic, STREAM_MAGIC, __ATOMIC_RELEASE);
	struct stream_reader *reader = map_file("reader.state", sizeof(*reader), &fd);
	__atomic_fetch_add(&reader->rings, 1, __ATOMIC_RELEASE);
}

static void tell(struct stream_event event)
{
	event.seq = world->seq++;
	event.node = (uint8_t)node;
	event.space = (uint64_t)getpid() << 12;
	event.thread = (uint64_t)pthread_self();
	while (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >= CAPACITY)
		usleep(50);
	ring->event[ring->head & (CAPACITY - 1)] = event;
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
}

static uint64_t value_at(uint64_t offset, unsigned size)
{
	uint64_t value = 0;
	__real_memcpy(&value, world->image[node] + offset, size < 8 ? size : 8);
	return value;
}

/* Other threads of the process write the events of their stores themselves. */
static void tell_stored(void)
{
	if (!stored.size)
		return;
	stored.value = value_at(stored.offset, stored.size);
	tell(stored);
	stored.size = 0;
}

static void begin(void)
{
	pthread_mutex_lock(&world->mutex);
	tell_stored();
}

static void end(void)
{
	pthread_mutex_unlock(&world->mutex);
}

static void push_line(uint64_t line)
{
	uint64_t dirty = world->dirty[node][line];
	for (unsigned byte = 0; byte < 64; byte++) {
		uint64_t at = line * 64 + byte;
		if (!(dirty >> byte & 1))
			continue;
		world->pool[at] = world->image[node][at];
		for (int other = 1; other < NODES; other++)
			if (!world->held[other][line])
				world->image[other][at] = world->pool[at];
	}
	world->dirty[node][line] = 0;
}

static void drop_line(uint64_t line)
{
	__real_memcpy(world->image[node] + line * 64, world->pool + line * 64, 64);
	world->held[node][line] = 0;
}

static void finish_pending(void)
{
	for (unsigned i = 0; i < world->pendings[node]; i++) {
		uint64_t line = world->pending[node][i].line;
		tell((struct stream_event){.kind = STREAM_PUSHED, .offset = line * 64, .size = 64});
		push_line(line);
		if (world->pending[node][i].kind != STREAM_CLWB)
			drop_line(line);
	}
	world->pendings[node] = 0;
}

static void pend(uint64_t line, uint64_t kind)
{
	if (world->pendings[node] == PENDING)
		finish_pending();
	world->pending[node][world->pendings[node]].line = line;
	world->pending[node][world->pendings[node]++].kind = kind;
}

static bool in_view(const volatile void *address)
{
	return view && (const char *)address >= view && (const char *)address < view + view_bytes;
}

static uint64_t offset_of(const volatile void *address)
{
	return view_offset + (uint64_t)((const char *)address - view);
}

static void hold(uint64_t offset, unsigned size, bool dirties)
{
	for (uint64_t at = offset; at < offset + size; at++) {
		world->held[node][at / 64] = 1;
		if (dirties)
			world->dirty[node][at / 64] |= UINT64_C(1) << at % 64;
	}
}

static void access_one(const volatile void *address, unsigned size, bool writes, uint64_t pc)
{
	struct stream_event event = {.kind = writes ? STREAM_STORE : STREAM_LOAD,
				     .pc = pc,
				     .offset = offset_of(address),
				     .size = (uint16_t)size};
	begin();
	hold(event.offset, size, writes);
	if (writes) {
		stored = event;
	} else {
		event.value = value_at(event.offset, size);
		tell(event);
	}
	end();
}

static void range(const volatile void *address, size_t bytes, bool writes, uint64_t pc)
{
	const volatile char *at = address;
	while (bytes && in_view(at)) {
		unsigned part = bytes < 8 ? (unsigned)bytes : 8;
		access_one(at, part, writes, pc);
		at += part;
		bytes -= part;
	}
}

#define ACCESS(size) \
	void __tsan_read##size(void *address) \
	{ \
		range(address, size, false, PC); \
	} \
	void __tsan_write##size(void *address) \
	{ \
		range(address, size, true, PC); \
	} \
	void __tsan_unaligned_read##size(void *address) \
	{ \
		range(address, size, false, PC); \
	} \
	void __tsan_unaligned_write##size(void *address) \
	{ \
		range(address, size, true, PC); \
	}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_read_range(void *address, size_t bytes)
{
	range(address, bytes, false, PC);
}

void __tsan_write_range(void *address, size_t bytes)
{
	range(address, bytes, true, PC);
}

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void)
{
}

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
	char buffer[4096];
	size_t part = bytes < sizeof(buffer) ? bytes : sizeof(buffer);
	if (in_view(from))
		range(from, part, false, PC);
	__real_memcpy(buffer, from, part);
	if (in_view(to))
		range(to, part, true, PC);
	for (size_t at = 0; at < part; at += 8) /* each event is written before the next store */
		__real_memcpy((char *)to + at, buffer + at, part - at < 8 ? part - at : 8);
	return to;
}

/* Programs here set constant values, so the time of each part's store makes no difference. */
void *__wrap_memset(void *to, int value, size_t bytes)
{
	if (in_view(to)) {
		__real_memset(to, value, bytes);
		range(to, bytes, true, PC);
	}
	return __real_memset(to, value, bytes);
}

/* Act on the pool; the node keeps no copy. Return the old value. */
static uint64_t locked(void *address, uint64_t value, uint64_t expected, int how, uint64_t pc)
{
	if (!in_view(address)) {
		if (how == 'x')
			return __atomic_exchange_n((uint64_t *)address, value, __ATOMIC_SEQ_CST);
		if (how == 'a')
			return __atomic_fetch_add((uint64_t *)address, value, __ATOMIC_SEQ_CST);
		__atomic_compare_exchange_n((uint64_t *)address, &expected, value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return expected;
	}
	uint64_t offset = offset_of(address), line = offset / 64, old, new;
	begin();
	finish_pending();
	push_line(line);
	drop_line(line);
	__real_memcpy(&old, world->pool + offset, 8);
	new = how == 'a' ? old + value : how == 'x' || old == expected ? value : old;
	tell((struct stream_event){.kind = STREAM_LOCKED,
				   .pc = pc,
				   .offset = offset,
				   .size = 8,
				   .value = new,
				   .old = old});
	__real_memcpy(world->image[node] + offset, &new, 8);
	world->dirty[node][line] = UINT64_C(255) << offset % 64;
	push_line(line);
	end();
	return old;
}

uint64_t __tsan_atomic64_fetch_add(void *address, uint64_t value, int order)
{
	(void)order;
	return locked(address, value, 0, 'a', PC);
}

uint64_t __tsan_atomic64_exchange(void *address, uint64_t value, int order)
{
	(void)order;
	return locked(address, value, 0, 'x', PC);
}

int __tsan_atomic64_compare_exchange_strong(void *address, uint64_t *expected, uint64_t value,
					    int order, int failure)
{
	uint64_t old = locked(address, value, *expected, 'c', PC), wanted = *expected;
	(void)order, (void)failure;
	*expected = old;
	return old == wanted;
}

uint64_t __tsan_atomic64_compare_exchange_val(void *address, uint64_t expected, uint64_t value,
					      int order, int failure)
{
	(void)order, (void)failure;
	return locked(address, value, expected, 'c', PC);
}

static void flush(void *address, uint8_t kind, uint64_t pc)
{
	if (!in_view(address))
		return;
	uint64_t line = offset_of(address) / 64;
	begin();
	tell((struct stream_event){.kind = kind, .pc = pc, .offset = line * 64, .size = 64});
	if (kind == STREAM_CLFLUSH) {
		push_line(line);
		drop_line(line);
	} else {
		pend(line, kind);
	}
	end();
}

static void fence(uint8_t kind, uint64_t pc)
{
	begin();
	tell((struct stream_event){.kind = kind, .pc = pc, .offset = STREAM_NO_OFFSET});
	finish_pending();
	end();
}

void test_clflush(void *address)
{
	flush(address, STREAM_CLFLUSH, PC);
}
void test_clflushopt(void *address)
{
	flush(address, STREAM_CLFLUSHOPT, PC);
}
void test_clwb(void *address)
{
	flush(address, STREAM_CLWB, PC);
}
void test_sfence(void)
{
	fence(STREAM_SFENCE, PC);
}
void test_mfence(void)
{
	fence(STREAM_MFENCE, PC);
}

void test_stream(long long *address, long long value)
{
	uint64_t offset = offset_of(address);
	begin();
	hold(offset, 8, true);
	*(volatile long long *)address = value;
	tell((struct stream_event){.kind = STREAM_STORE_NT,
				   .pc = PC,
				   .offset = offset,
				   .size = 8,
				   .value = (uint64_t)value});
	pend(offset / 64, STREAM_CLFLUSHOPT);
	end();
}

int __wrap_open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/mnt/fabric_emulation"))
		return FAKE_FD;
	return __real_open(path, flags);
}

void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (fd != FAKE_FD)
		return __real_mmap(start, bytes, protection, flags, fd, offset);
	view_bytes = bytes;
	view_offset = (uint64_t)offset;
	offset += (off_t)(world->image[node] - (char *)world);
	return view = __real_mmap(start, bytes, protection, flags, world_fd, offset);
}

static void leave(void)
{
	begin();
	tell((struct stream_event){.kind = STREAM_EXIT, .offset = STREAM_NO_OFFSET});
	end();
}

void __tsan_init(void)
{
	pthread_mutexattr_t shared;
	if (world)
		return;
	node = atoi(getenv("FAMULUS_NODE"));
	world = map_file("world", sizeof(*world), &world_fd);
	make_ring();
	if (__atomic_fetch_add(&world->made, 1, __ATOMIC_SEQ_CST) == 0) {
		pthread_mutexattr_init(&shared);
		pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&world->mutex, &shared);
		__atomic_store_n(&world->made, 100, __ATOMIC_SEQ_CST);
	}
	while (__atomic_load_n(&world->made, __ATOMIC_SEQ_CST) < 100)
		usleep(100);
	atexit(leave);
	begin();
	tell((struct stream_event){.kind = STREAM_PROCESS,
				   .offset = STREAM_NO_OFFSET,
				   .value = (uint64_t)getpid(),
				   .old = (uint64_t)getpid()});
	end();
}
