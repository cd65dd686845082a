// SPDX-License-Identifier: GPL-2.0-or-later
/* Write a whole file or nothing, and only if its contents, owner or mode differ. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The caller sees the errno of the failed call, not that of close(). */
int close_with(int fd, int result)
{
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static bool same_content(int fd, const char *data, size_t length)
{
	char *now = malloc(length + 1);
	bool same = now && read(fd, now, length + 1) == (ssize_t)length &&
		    memcmp(now, data, length) == 0;
	free(now);
	return same;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t written = write(fd, data, length);
		if (written < 0)
			return -1;
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

static bool is_right(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
		     size_t length)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool right = fstat(fd, &status) == 0 && status.st_mode == (S_IFREG | mode) &&
		     status.st_uid == uid && status.st_gid == gid &&
		     status.st_size == (off_t)length && same_content(fd, data, length);
	return close_with(fd, right);
}

int file_write(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data, size_t length)
{
	char part[4096];
	if (is_right(mode, uid, gid, path, data, length))
		return 0;
	if (snprintf(part, sizeof(part), "%s.famulus", path) >= (int)sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* The folder may belong to a user: never write through a symbolic link in it. */
	unlink(part);
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int failed = write_all(fd, data, length) || fchown(fd, uid, gid) || fchmod(fd, mode);
	failed = close_with(fd, failed) || rename(part, path);
	if (failed)
		unlink(part);
	return failed ? -1 : 0;
}
