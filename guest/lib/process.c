// SPDX-License-Identifier: GPL-2.0-or-later
/* Identify processes: the boot and the pid namespace that a pid belongs to, and its start time. */
#include "internal.h"

#include <stdio.h>
#include <sys/stat.h>

static uint64_t mixed(uint64_t sum, const void *data, size_t bytes)
{
	for (const unsigned char *byte = data; bytes; bytes--)
		sum = (sum ^ *byte++) * 0x100000001b3ULL; /* FNV-1a */
	return sum;
}

static void read_text(const char *path, char *text, size_t room)
{
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(text, 1, room - 1, file) : 0;
	if (file)
		fclose(file);
	text[length] = '\0';
}

/* A pid is unique only within one boot and one pid namespace of one node. */
uint64_t libfam_boot(void)
{
	char id[64];
	struct stat status = {0};
	read_text("/proc/sys/kernel/random/boot_id", id, sizeof(id));
	stat("/proc/self/ns/pid", &status);
	uint64_t sum = mixed(0xcbf29ce484222325ULL, id, strlen(id));
	return mixed(sum, &status.st_ino, sizeof(status.st_ino));
}

/*
 * proc(5): field 3 of `stat` is the state, 20 the number of threads, 22 the start time; the name
 * before them ends with ')'. A process whose first thread has ended is a zombie, but is alive while
 * it has other threads.
 */
uint64_t libfam_process_start(uint64_t pid)
{
	char path[40], text[1024], state;
	unsigned long long start;
	int threads;
	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	read_text(path, text, sizeof(text));
	const char *rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
			    " %d %*d %llu",
			    &state, &threads, &start) != 3)
		return 0;
	return (state == 'Z' || state == 'X') && threads < 2 ? 0 : start;
}
