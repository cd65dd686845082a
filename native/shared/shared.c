// SPDX-License-Identifier: GPL-2.0-or-later
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t mapping = PTHREAD_MUTEX_INITIALIZER;

/* A pool whose name is gone is opened through a link in /proc/PID/fd. */
static int open_file(const char *path)
{
	int follow = strncmp(path, "/proc/", 6) == 0 ? 0 : O_NOFOLLOW;
	return open(path, O_RDWR | O_CLOEXEC | follow);
}

static void *map_file(const char *path, uint64_t size)
{
	int fd = open_file(path);
	struct stat status;
	void *at = MAP_FAILED;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && (uint64_t)status.st_size >= size)
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	else
		errno = EINVAL;
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

const char *shared_open(struct shared_fabric *f, const char *pool, const char *folder, int self)
{
	static char path[4096];
	f->folder = folder;
	f->self = self;
	snprintf(path, sizeof(path), "%s/control", folder);
	f->control = map_file(path, sizeof(struct shared_control));
	if (!f->control)
		return path;
	if (f->control->magic != CONTROL_MAGIC || f->control->version != CONTROL_VERSION) {
		errno = EPROTO;
		return path;
	}
	f->size = f->control->pool_size;
	f->pool = map_file(pool, f->size);
	return f->pool ? NULL : pool;
}

void shared_path(char *path, unsigned long size, const struct shared_fabric *f, int k,
		 uint64_t start, const char *kind)
{
	snprintf(path, size, "%s/node%d.%llu.%s", f->folder, k, (unsigned long long)start, kind);
}

static void *map_kind(const struct shared_fabric *f, int k, uint64_t start, const char *kind,
		      uint64_t size)
{
	char path[4096];
	shared_path(path, sizeof(path), f, k, start, kind);
	return map_file(path, size);
}

/* The mappings of an earlier start stay: another thread may be about to use them. */
static void map_node(struct shared_fabric *f, int k, uint64_t start)
{
	struct shared_view *view = &f->view[k];
	uint64_t lines = f->size / LINE_BYTES;
	uint8_t *image = map_kind(f, k, start, "image", f->size);
	uint8_t *base = map_kind(f, k, start, "base", f->size);
	uint64_t *dirty = map_kind(f, k, start, "lines", lines * 9);
	if (!image || !base || !dirty)
		return;
	view->image = image;
	view->base = base;
	view->dirty = dirty;
	view->held = (uint8_t *)(dirty + lines);
	__atomic_store_n(&view->start, start, __ATOMIC_RELEASE);
}

struct shared_view *shared_view(struct shared_fabric *f, int k)
{
	uint64_t start = shared_state(f, k) >> NODE_STATE_BITS;
	if (__atomic_load_n(&f->view[k].start, __ATOMIC_ACQUIRE) != start) {
		pthread_mutex_lock(&mapping);
		if (f->view[k].start != start)
			map_node(f, k, start);
		pthread_mutex_unlock(&mapping);
	}
	return f->view[k].start == start && start ? &f->view[k] : NULL;
}
