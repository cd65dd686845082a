// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that is not coherent, on the host: takes the place of flush.c, and of mmap and munmap
 * (linked with --wrap). What a process maps is a copy of its own, as it was when it was mapped; only
 * fam_writeback() moves bytes that were changed to the file, and only fam_invalidate() fetches lines
 * again. Locked instructions act on the file (FAM_REAL). So whoever forgets one of them is wrong here,
 * always, and not only on hardware.
 */
#define _GNU_SOURCE
#include <famulus/flush.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST 0x100000000000UL /* where copies lie; the file is mapped FAM_REAL_OFFSET above */
#define CLEAN_OFFSET (2 * FAM_REAL_OFFSET) /* and there, what was last moved */
#define STEP 0x40000000UL

void *__real_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *start, size_t bytes);

static uintptr_t next = FIRST;
static pthread_mutex_t moving = PTHREAD_MUTEX_INITIALIZER;

static void *at(uintptr_t place, size_t bytes, int flags, int fd, off_t offset)
{
	return __real_mmap((void *)place, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd,
			   offset);
}

void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	uintptr_t place = __atomic_fetch_add(&next, STEP, __ATOMIC_SEQ_CST);
	(void)start, (void)protection;
	void *real = at(place + FAM_REAL_OFFSET, bytes, flags, fd, offset);
	void *mine = at(place, bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *clean = at(place + CLEAN_OFFSET, bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (real == MAP_FAILED || mine == MAP_FAILED || clean == MAP_FAILED)
		return MAP_FAILED;
	memcpy(mine, real, bytes);
	memcpy(clean, mine, bytes);
	return mine;
}

int __wrap_munmap(void *start, size_t bytes)
{
	__real_munmap((char *)start + FAM_REAL_OFFSET, bytes);
	__real_munmap((char *)start + CLEAN_OFFSET, bytes);
	return __real_munmap(start, bytes);
}

static void write_line(volatile char *line)
{
	volatile char *real = line + FAM_REAL_OFFSET, *clean = line + CLEAN_OFFSET;
	for (int i = 0; i < FAM_LINE; i++)
		if (line[i] != clean[i])
			real[i] = clean[i] = line[i];
}

static void fetch_line(volatile char *line)
{
	volatile char *real = line + FAM_REAL_OFFSET, *clean = line + CLEAN_OFFSET;
	for (int i = 0; i < FAM_LINE; i++)
		line[i] = clean[i] = real[i];
}

static void each_line(const void *start, size_t bytes, int fetch)
{
	uintptr_t line = (uintptr_t)start & ~(uintptr_t)(FAM_LINE - 1);
	pthread_mutex_lock(&moving);
	for (; line < (uintptr_t)start + bytes; line += FAM_LINE) {
		write_line((volatile char *)line);
		if (fetch)
			fetch_line((volatile char *)line);
	}
	pthread_mutex_unlock(&moving);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void fam_writeback(const void *start, size_t bytes)
{
	each_line(start, bytes, 0);
}

void fam_invalidate(const void *start, size_t bytes)
{
	each_line(start, bytes, 1);
}

void fam_flush(const void *start, size_t bytes)
{
	each_line(start, bytes, 1);
}
