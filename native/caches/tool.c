// SPDX-License-Identifier: GPL-2.0-or-later
/* What the host does to the caches of a fabric:
 *
 *   caches create FOLDER POOL_SIZE COHERENT LOCAL_ATOMICS EVICTION LINES SEED RING_EVENTS
 *   caches attach POOL FOLDER NODE        give it an image that is the pool's copy, unless memory is coherent;
 *                                         before its QEMU starts
 *   caches detach POOL FOLDER NODE KILLED take it away; its unwritten lines are lost
 *   caches ask POOL FOLDER NODE WHAT      tell its plugin what to do
 *   caches want POOL FOLDER NODE WHAT     the same, and wait for LIMIT seconds until it does
 *   caches write POOL FOLDER OFFSET       store standard input, as one who has no cache
 *   caches zero POOL FOLDER OFFSET SIZE   the same of zeros
 *   caches show POOL FOLDER               a line a node, see show()
 */
#define _GNU_SOURCE
#include "line.h"
#include "lock.h"
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT 20 /* seconds in which a node's CPU looks up from what it does */
#define NAP   1000 /* microseconds */

static struct shared_fabric fabric;

static int fails(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static int make_file(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		fails(path);
		return -1;
	}
	return fd;
}

static int create(char **a)
{
	char path[4096], part[4096 + 8];
	static struct shared_control made = {.magic = CONTROL_MAGIC, .version = CONTROL_VERSION};
	made.pool_size = number(a[1]);
	made.coherent = (uint32_t)number(a[2]);
	made.local_atomics = (uint32_t)number(a[3]);
	made.eviction = (uint32_t)number(a[4]);
	made.cache_lines = number(a[5]);
	made.seed = number(a[6]);
	made.ring_events = number(a[7]);
	snprintf(path, sizeof(path), "%s/stream", a[0]);
	if ((mkdir(a[0], 0700) && errno != EEXIST) || (mkdir(path, 0700) && errno != EEXIST))
		return fails(path);
	snprintf(path, sizeof(path), "%s/control", a[0]);
	snprintf(part, sizeof(part), "%s.new", path);
	unlink(part);
	int fd = make_file(part, sizeof(made));
	if (fd < 0)
		return 1;
	if (write(fd, &made, sizeof(made)) != sizeof(made) || rename(part, path))
		return fails(path);
	close(fd);
	return 0;
}

static struct shared_node *node(int k)
{
	return &fabric.control->node[k];
}

static void remove_files(int k, uint64_t start)
{
	static const char *const kinds[] = {"image", "base", "lines"};
	char path[4096];
	for (unsigned i = 0; i < 3; i++) {
		shared_path(path, sizeof(path), &fabric, k, start, kinds[i]);
		unlink(path);
	}
}

static bool make_files(int k, uint64_t start)
{
	static const char *const kinds[] = {"image", "base", "lines"};
	char path[4096];
	for (unsigned i = 0; i < 3; i++) {
		shared_path(path, sizeof(path), &fabric, k, start, kinds[i]);
		int fd = make_file(path, i < 2 ? fabric.size : fabric.size / LINE_BYTES * 9);
		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

/* While it fills, other nodes' write-backs reach the image too; so each line is copied under its lock. */
static void fill(struct shared_view *view, int pool)
{
	for (off_t at = 0; (at = lseek(pool, at, SEEK_DATA)) >= 0;) {
		uint64_t line = (uint64_t)at / LINE_BYTES;
		at = lseek(pool, at, SEEK_HOLE);
		for (; line < (uint64_t)at / LINE_BYTES; line++) {
			lock_line(&fabric, line, 0);
			memcpy(view->image + line * LINE_BYTES, fabric.pool + line * LINE_BYTES,
			       LINE_BYTES);
			unlock_line(&fabric, line);
		}
	}
}

static bool has_room(uint64_t bytes)
{
	char path[4096];
	shared_path(path, sizeof(path), &fabric, 0, 0, "room");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool room = fd >= 0 && (!bytes || posix_fallocate(fd, 0, (off_t)bytes) == 0);
	if (fd >= 0)
		close(fd);
	unlink(path);
	return room;
}

/* Nodes are attached side by side. */
static void raise_last(uint64_t k)
{
	uint64_t *last = &fabric.control->last, known = *last;
	while (known < k && !__atomic_compare_exchange_n(last, &known, k, false, __ATOMIC_SEQ_CST,
							 __ATOMIC_SEQ_CST))
		;
}

static void set_state(int k, uint64_t start, uint64_t state)
{
	__atomic_store_n(&node(k)->state, start << NODE_STATE_BITS | state, __ATOMIC_RELEASE);
}

static void begin(int k)
{
	node(k)->wanted = node(k)->does = node(k)->pid = 0;
	raise_last((uint64_t)k);
}

static int attach_image(const char *pool, int k, uint64_t start)
{
	int fd = open(pool, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status))
		return fails(pool);
	remove_files(k, start - 1);
	if (!has_room((uint64_t)status.st_blocks * 512)) {
		errno = ENOSPC;
		return fails("a copy of the pool");
	}
	if (!make_files(k, start))
		return 1;
	begin(k);
	set_state(k, start, NODE_FILLS);
	struct shared_view *view = shared_view(&fabric, k);
	if (!view)
		return fails("the node's image");
	fill(view, fd);
	set_state(k, start, NODE_RUNS);
	return 0;
}

static int attach(const char *pool, char **a)
{
	int k = atoi(a[0]);
	uint64_t start = (shared_state(&fabric, k) >> NODE_STATE_BITS) + 1;
	if (!fabric.control->coherent)
		return attach_image(pool, k, start);
	begin(k);
	set_state(k, start, NODE_RUNS);
	return 0;
}

/* Its plugin is dead: the ring's writer is now this process. */
static void tell_of_its_end(int k)
{
	struct stream_ring *ring = node(k)->does & PLUGIN_STREAMS ? ring_open(&fabric, k, 0) : NULL;
	struct stream_event event = {
		.kind = STREAM_NODE_DOWN, .offset = STREAM_NO_OFFSET, .value = 1};
	event.node = (uint8_t)k;
	if (ring)
		ring_put(&fabric, ring, &event);
}

static int detach(char **a)
{
	int k = atoi(a[0]);
	uint64_t start = shared_state(&fabric, k) >> NODE_STATE_BITS;
	set_state(k, start, NODE_OFF);
	if (atoi(a[1]))
		tell_of_its_end(k);
	node(k)->wanted = node(k)->does = node(k)->pid = 0;
	remove_files(k, start);
	return 0;
}

static int ask(char **a)
{
	__atomic_store_n(&node(atoi(a[0]))->wanted, number(a[1]), __ATOMIC_RELEASE);
	return 0;
}

static int want(char **a)
{
	struct shared_node *one = node(atoi(a[0]));
	uint64_t what = number(a[1]);
	ask(a);
	for (unsigned naps = 0; naps < LIMIT * (1000000 / NAP); naps++) {
		if (__atomic_load_n(&one->does, __ATOMIC_ACQUIRE) == what)
			return 0;
		usleep(NAP);
	}
	errno = ETIMEDOUT;
	return fails("the node's plugin");
}

/* Store `count` bytes, all of one line. */
static void store(uint64_t offset, const uint8_t *data, unsigned count)
{
	uint8_t bytes[LINE_BYTES];
	unsigned from = offset % LINE_BYTES;
	memcpy(bytes + from, data, count);
	lock_line(&fabric, offset / LINE_BYTES, 0);
	push_line(&fabric, offset / LINE_BYTES, bytes, line_mask(from, count));
	unlock_line(&fabric, offset / LINE_BYTES);
}

static void store_all(uint64_t offset, const uint8_t *data, uint64_t count)
{
	while (count) {
		uint64_t room = LINE_BYTES - offset % LINE_BYTES,
			 part = count < room ? count : room;
		store(offset, data, (unsigned)part);
		offset += part;
		data += part;
		count -= part;
	}
}

static int write_input(char **a)
{
	static uint8_t data[1 << 16];
	uint64_t offset = number(a[0]);
	ssize_t got;
	while ((got = read(STDIN_FILENO, data, sizeof(data))) > 0) {
		if (offset + (uint64_t)got > fabric.size) {
			errno = EFBIG;
			return fails("the pool");
		}
		store_all(offset, data, (uint64_t)got);
		offset += (uint64_t)got;
	}
	return got < 0 ? fails("standard input") : 0;
}

/* Pages that are holes are zeros already, in the pool and in what stands for it. */
static int zero(const char *pool, char **a)
{
	static const uint8_t zeros[PAGE_BYTES];
	uint64_t offset = number(a[0]), end = offset + number(a[1]);
	int fd = open(pool, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fails(pool);
	while (offset < end) {
		off_t next = lseek(fd, (off_t)offset, SEEK_DATA);
		if (next < 0)
			break;
		offset = (uint64_t)next;
		uint64_t part = PAGE_BYTES - offset % PAGE_BYTES;
		if (offset < end)
			store_all(offset, zeros, part < end - offset ? part : end - offset);
		offset += part;
	}
	return 0;
}

/* number, state, what it does, lines taken, written back, evicted */
static int show(void)
{
	for (int k = 1; k <= MAX_NODES; k++) {
		const struct shared_node *one = node(k);
		if (one->state)
			printf("%d %d %d %llu %llu %llu\n", k, (int)(one->state & 255),
			       (int)one->does, (unsigned long long)one->held,
			       (unsigned long long)one->written, (unsigned long long)one->evicted);
	}
	return 0;
}

static int run(const char *verb, const char *pool, char **a, int count)
{
	if (!strcmp(verb, "attach") && count == 1)
		return attach(pool, a);
	if (!strcmp(verb, "detach") && count == 2)
		return detach(a);
	if (!strcmp(verb, "ask") && count == 2)
		return ask(a);
	if (!strcmp(verb, "want") && count == 2)
		return want(a);
	if (!strcmp(verb, "write") && count == 1)
		return write_input(a);
	if (!strcmp(verb, "zero") && count == 2)
		return zero(pool, a);
	if (!strcmp(verb, "show") && count == 0)
		return show();
	fprintf(stderr, "caches: see tool.c for what it does\n");
	return 2;
}

int main(int count, char **arguments)
{
	if (count == 10 && !strcmp(arguments[1], "create"))
		return create(arguments + 2);
	if (count < 4)
		return run("", "", arguments, 0);
	const char *failed = shared_open(&fabric, arguments[2], arguments[3], 0);
	return failed ? fails(failed) : run(arguments[1], arguments[2], arguments + 4, count - 4);
}
