// SPDX-License-Identifier: GPL-2.0-or-later
/* What the directives do to the node. Nothing is written that is right already. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A clock closer than this is left alone: stepping it would be felt more than the error. */
#define CLOCK_TOLERANCE 0.05

/* The caller sees the errno of what failed, not that of cleaning up after it. */
static int close_with(int fd, int result)
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

static bool is_right(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
		     size_t length)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool right = fstat(fd, &status) == 0 && (status.st_mode & 07777) == mode &&
		     status.st_uid == uid && status.st_gid == gid &&
		     status.st_size == (off_t)length && same_content(fd, data, length);
	return close_with(fd, right);
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

int apply_file(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data, size_t length)
{
	char part[4096];
	if (is_right(mode, uid, gid, path, data, length))
		return 0;
	if (snprintf(part, sizeof(part), "%s.famulus", path) >= (int)sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int failed = write_all(fd, data, length) || fchown(fd, uid, gid) || fchmod(fd, mode);
	failed = close_with(fd, failed) || rename(part, path);
	if (failed)
		unlink(part);
	return failed ? -1 : 0;
}

static int apply_line(const char *path, const char *text)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "%s\n", text);
	return apply_file(0644, 0, 0, path, line, (size_t)length);
}

int apply_hostname(const char *name)
{
	if (sethostname(name, strlen(name)))
		return -1;
	return apply_line("/etc/hostname", name);
}

int apply_machine_id(const char *id)
{
	if (strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32) {
		errno = EINVAL;
		return -1;
	}
	return apply_line("/etc/machine-id", id);
}

int apply_time(const char *text)
{
	struct timespec now, wanted = { 0 };
	long long seconds;
	long micro;
	if (sscanf(text, "%lld.%6ld", &seconds, &micro) != 2) {
		errno = EINVAL;
		return -1;
	}
	wanted.tv_sec = seconds;
	wanted.tv_nsec = micro * 1000;
	clock_gettime(CLOCK_REALTIME, &now);
	double off = (double)(wanted.tv_sec - now.tv_sec) + 1e-9 * (double)(wanted.tv_nsec - now.tv_nsec);
	return fabs(off) > CLOCK_TOLERANCE ? clock_settime(CLOCK_REALTIME, &wanted) : 0;
}

/* systemd(1): SIGRTMIN+4 starts poweroff.target, as `systemctl poweroff` does. */
int apply_poweroff(void)
{
	return kill(1, SIGRTMIN + 4);
}
