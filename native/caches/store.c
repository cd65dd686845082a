// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "store.h"
#include "fails.h"
#include "line.h"
#include "lock.h"
#include "push.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Store `count` bytes that lie in one line. */
static void store_part(struct shared_fabric *f, uint64_t offset, const uint8_t *data,
		       unsigned count)
{
	uint8_t bytes[LINE_BYTES];
	unsigned from = offset % LINE_BYTES;
	memcpy(bytes + from, data, count);
	lock_line(f, offset / LINE_BYTES, 0);
	push_line(f, offset / LINE_BYTES, bytes, line_mask(from, count));
	unlock_line(f, offset / LINE_BYTES);
}

static void store(struct shared_fabric *f, uint64_t offset, const uint8_t *data, uint64_t count)
{
	while (count) {
		uint64_t room = LINE_BYTES - offset % LINE_BYTES;
		uint64_t part = count < room ? count : room;
		store_part(f, offset, data, (unsigned)part);
		offset += part;
		data += part;
		count -= part;
	}
}

int store_input(struct shared_fabric *f, uint64_t offset)
{
	static uint8_t data[1 << 16];
	ssize_t got;
	while ((got = read(STDIN_FILENO, data, sizeof(data))) > 0) {
		if (offset + (uint64_t)got > f->size) {
			errno = EFBIG;
			return fails("the pool");
		}
		store(f, offset, data, (uint64_t)got);
		offset += (uint64_t)got;
	}
	return got < 0 ? fails("standard input") : 0;
}

/* A page that is a hole has zeros already, in the pool and in the images. */
int store_zeros(struct shared_fabric *f, const char *pool, uint64_t offset, uint64_t size)
{
	static const uint8_t zeros[PAGE_BYTES];
	uint64_t end = offset + size;
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
			store(f, offset, zeros, part < end - offset ? part : end - offset);
		offset += part;
	}
	return 0;
}
