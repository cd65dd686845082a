// SPDX-License-Identifier: GPL-2.0-or-later
#include "keep.h"

#include <stdio.h>
#include <sys/wait.h>

static void copy(const char *path, FILE *to)
{
	char part[4096];
	size_t bytes;
	FILE *from = fopen(path, "re");
	while (from && (bytes = fread(part, 1, sizeof(part), from)))
		fwrite(part, 1, bytes, to);
	if (from)
		fclose(from);
}

void keep_maps(const char *folder, pid_t process, pid_t task)
{
	char path[4096], from[64];
	snprintf(path, sizeof(path), "%s/%d", folder, process);
	FILE *file = fopen(path, "we");
	if (!file)
		return;
	snprintf(from, sizeof(from), "/proc/%d/comm", process);
	copy(from, file);
	snprintf(from, sizeof(from), "/proc/%d/maps", task);
	copy(from, file);
	fclose(file);
}

void keep_outcome(const char *path, enum keep_end end, int status)
{
	FILE *file = path ? fopen(path, "we") : NULL;
	if (!file)
		return;
	if (end == KEEP_TIME_OUT)
		fputs("time-out\n", file);
	else if (end == KEEP_NOT_BEGUN)
		fputs("not begun\n", file);
	else if (WIFSIGNALED(status))
		fprintf(file, "signal %d\n", WTERMSIG(status));
	else
		fprintf(file, "exit %d\n", WEXITSTATUS(status));
	fclose(file);
}
