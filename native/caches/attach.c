// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "attach.h"
#include "fails.h"
#include "files.h"
#include "lock.h"
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t start_of(const struct shared_fabric *f, int node)
{
	return shared_state(f, node) >> NODE_STATE_BITS;
}

/* While the image fills, write-backs of other nodes reach the image too; so each line is copied
 * under its lock. */
static void fill(struct shared_fabric *f, struct shared_view *view, int pool)
{
	for (off_t at = 0; (at = lseek(pool, at, SEEK_DATA)) >= 0;) {
		uint64_t line = (uint64_t)at / LINE_BYTES;
		at = lseek(pool, at, SEEK_HOLE);
		for (; line < (uint64_t)at / LINE_BYTES; line++) {
			lock_line(f, line, 0);
			memcpy(view->image + line * LINE_BYTES, f->pool + line * LINE_BYTES,
			       LINE_BYTES);
			unlock_line(f, line);
		}
	}
}

/* Several tools attach nodes at the same time. */
static void raise_last(struct shared_fabric *f, uint64_t node)
{
	uint64_t *last = &f->control->last, known = *last;
	while (known < node && !__atomic_compare_exchange_n(last, &known, node, false,
							    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void set_state(struct shared_fabric *f, int node, uint64_t start, uint64_t state)
{
	__atomic_store_n(&f->control->node[node].state, start << NODE_STATE_BITS | state,
			 __ATOMIC_RELEASE);
}

static void reset(struct shared_node *node)
{
	node->wanted = node->does = node->pid = node->waits = node->hurry = 0;
}

static int fill_image(struct shared_fabric *f, int pool, int node, uint64_t start)
{
	set_state(f, node, start, NODE_FILLS);
	struct shared_view *view = shared_view(f, node);
	if (!view)
		return fails("the node's image");
	fill(f, view, pool);
	set_state(f, node, start, NODE_RUNS);
	return 0;
}

static int attach_image(struct shared_fabric *f, const char *pool, int node, uint64_t start)
{
	int fd = open(pool, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status))
		return fails(pool);
	files_remove(f, node, start - 1);
	if (!files_have_room(f, (uint64_t)status.st_blocks * 512)) {
		errno = ENOSPC;
		return fails("a copy of the pool");
	}
	if (!files_make(f, node, start))
		return 1;
	reset(&f->control->node[node]);
	raise_last(f, (uint64_t)node);
	return fill_image(f, fd, node, start);
}

int attach(struct shared_fabric *f, const char *pool, int node)
{
	uint64_t start = start_of(f, node) + 1;
	if (!f->control->coherent)
		return attach_image(f, pool, node, start);
	reset(&f->control->node[node]);
	raise_last(f, (uint64_t)node);
	set_state(f, node, start, NODE_RUNS);
	return 0;
}

/* The node's plugin is dead, so this process is the ring's only writer. */
static void tell_of_its_end(struct shared_fabric *f, int node)
{
	bool streams = f->control->node[node].does & PLUGIN_STREAMS;
	struct stream_ring *ring = streams ? ring_open(f, node, 0) : NULL;
	struct stream_event event = {
		.kind = STREAM_NODE_DOWN, .offset = STREAM_NO_OFFSET, .value = 1};
	event.node = (uint8_t)node;
	if (ring)
		ring_put(f, ring, &event);
}

int detach(struct shared_fabric *f, int node, bool killed)
{
	uint64_t start = start_of(f, node);
	set_state(f, node, start, NODE_OFF);
	if (killed)
		tell_of_its_end(f, node);
	reset(&f->control->node[node]);
	files_remove(f, node, start);
	return 0;
}
