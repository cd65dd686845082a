// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "files.h"
#include "fails.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_BYTES 9 /* of the lines file, for each line: a word of dirty bits and the held byte */

static const char *const kinds[] = {"image", "base", "lines"};

static int make_file(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		fails(path);
		return -1;
	}
	return fd;
}

static bool make_folder(const char *path)
{
	return !mkdir(path, 0700) || errno == EEXIST;
}

int files_create(const char *folder, const struct shared_control *control)
{
	char path[4096], part[4096 + 8];
	snprintf(path, sizeof(path), "%s/stream", folder);
	if (!make_folder(folder) || !make_folder(path))
		return fails(path);
	snprintf(path, sizeof(path), "%s/control", folder);
	snprintf(part, sizeof(part), "%s.new", path);
	unlink(part);
	int fd = make_file(part, sizeof(*control));
	if (fd < 0)
		return 1;
	if (write(fd, control, sizeof(*control)) != sizeof(*control) || rename(part, path))
		return fails(path);
	close(fd);
	return 0;
}

void files_remove(const struct shared_fabric *f, int node, uint64_t start)
{
	char path[4096];
	for (unsigned i = 0; i < 3; i++) {
		shared_path(path, sizeof(path), f, node, start, kinds[i]);
		unlink(path);
	}
}

bool files_make(const struct shared_fabric *f, int node, uint64_t start)
{
	char path[4096];
	for (unsigned i = 0; i < 3; i++) {
		shared_path(path, sizeof(path), f, node, start, kinds[i]);
		int fd = make_file(path, i < 2 ? f->size : f->size / LINE_BYTES * LINES_BYTES);
		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

bool files_have_room(const struct shared_fabric *f, uint64_t bytes)
{
	char path[4096];
	shared_path(path, sizeof(path), f, 0, 0, "room");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool room = fd >= 0 && (!bytes || posix_fallocate(fd, 0, (off_t)bytes) == 0);
	if (fd >= 0)
		close(fd);
	unlink(path);
	return room;
}
