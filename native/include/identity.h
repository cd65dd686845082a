/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity of a process in one word: the process id and the start time, for the kernel uses ids
 * again. */
#ifndef FAMULUS_IDENTITY_H
#define FAMULUS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IDENTITY_PID_SHIFT   32
#define IDENTITY_START_SHIFT 8 /* the 8 lowest bits are free for the user of the word */

/* The start time of process `pid` in clock ticks since boot (proc(5), field 22), its low 24 bits; 0
 * if the process is dead. */
static inline uint32_t identity_start(int pid)
{
	char path[32], text[1024], state = 'Z';
	unsigned long long ticks = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	const char *rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			    " %*s %*s %llu",
			    &state, &ticks) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : (ticks & 0xffffff) | 1;
}

static inline int identity_pid(uint64_t word)
{
	return (int)(word >> IDENTITY_PID_SHIFT);
}

/* The word of this process. */
static inline uint64_t identity_self(void)
{
	return (uint64_t)getpid() << IDENTITY_PID_SHIFT | (uint64_t)identity_start(getpid())
								  << IDENTITY_START_SHIFT;
}

static inline bool identity_lives(uint64_t word)
{
	uint32_t start = (uint32_t)word >> IDENTITY_START_SHIFT;
	return start && identity_start(identity_pid(word)) == start;
}

#endif
