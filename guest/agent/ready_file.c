// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that a snapshot holds ready: they exist, are full of line feeds and mapped, and their pages
 * are writable and dirty. A clone stores its own contents into the mapping, which runs no code of
 * the file system. Later, when no program waits, the clone cuts off the remaining line feeds. The
 * kernel writes the pages to the disk with its next write-back.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILES_MAX 32
#define BLANK     '\n'

static struct ready {
	char path[128];
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int fd;
	char *at;
	size_t size, used; /* bytes; `used` is 0 until the file is filled */
} files[FILES_MAX];
static size_t count;

static int map(struct ready *file)
{
	file->fd = open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (file->fd < 0)
		return -1;
	file->at = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	return file->at == MAP_FAILED ? close_with(file->fd, -1) : 0;
}

int ready_make(mode_t mode, uid_t uid, gid_t gid, const char *path, size_t size)
{
	struct ready *file = &files[count];
	static char blank[READY_MAX];
	if (count == FILES_MAX || size == 0 || size > READY_MAX ||
	    strlen(path) >= sizeof(file->path)) {
		errno = EINVAL;
		return -1;
	}
	memset(blank, BLANK, size);
	*file = (struct ready){.mode = mode, .uid = uid, .gid = gid, .size = size};
	strcpy(file->path, path);
	if (file_write(mode, uid, gid, path, blank, size) || map(file))
		return -1;
	count++;
	return 0;
}

void ready_touch(void)
{
	for (size_t i = 0; i < count; i++)
		memset(files[i].at, BLANK, files[i].size);
}

static struct ready *find(const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}

bool ready_fill(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
		size_t length)
{
	struct ready *file = find(path);
	if (!file || file->used || length == 0 || length > file->size || file->mode != mode ||
	    file->uid != uid || file->gid != gid)
		return false;
	memcpy(file->at, data, length);
	file->used = length;
	return true;
}

int apply_file(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data, size_t length)
{
	if (ready_fill(mode, uid, gid, path, data, length))
		return 0;
	return file_write(mode, uid, gid, path, data, length);
}

void ready_trim(void)
{
	for (size_t i = 0; i < count; i++) {
		struct ready *file = &files[i];
		munmap(file->at, file->size);
		if (file->used < file->size && ftruncate(file->fd, (off_t)file->used))
			perror(file->path);
		close(file->fd);
	}
	count = 0;
}
