// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "sweep.h"
#include "line.h"
#include "lock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static uint64_t sweep_page(struct shared_fabric *f, struct shared_view *view, uint64_t at,
			   unsigned cpu, bool drop)
{
	uint64_t count = 0;
	bool same = memcmp(view->image + at, f->pool + at, PAGE_BYTES) == 0;
	for (uint64_t line = at / LINE_BYTES; line < (at + PAGE_BYTES) / LINE_BYTES; line++) {
		if (same && !view->held[line])
			continue;
		lock_line(f, line, cpu);
		count += (drop ? line_drop : line_write_back)(f, view, line) != 0;
		unlock_line(f, line);
	}
	return count;
}

/* Pages of the image that are holes have no line that the node has stored into. */
uint64_t sweep_lines(struct shared_fabric *f, struct shared_view *view, unsigned cpu, bool drop)
{
	char path[4096];
	uint64_t count = 0;
	shared_path(path, sizeof(path), f, f->self, view->start, "image");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (off_t at = 0; fd >= 0 && (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
		off_t end = lseek(fd, at, SEEK_HOLE);
		for (at -= at % PAGE_BYTES; at < end; at += PAGE_BYTES)
			count += sweep_page(f, view, (uint64_t)at, cpu, drop);
	}
	if (fd >= 0)
		close(fd);
	return count;
}
