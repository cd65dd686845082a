// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that is not coherent, on the host: replaces flush.c, mmap and munmap (linked with --wrap).
 * Each mapping is a private copy of the file at the time of the call; only fam_writeback() copies
 * changed bytes to the file, and only fam_invalidate() fetches lines again. Locked instructions act
 * on the file (FAM_REAL). So a program without a necessary call fails here always, not only on
 * hardware.
 */
#define _GNU_SOURCE
#include <famulus/flush.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST \
	0x100000000000UL /* address of the copies; the file is mapped FAM_REAL_OFFSET higher */
#define CLEAN_OFFSET (2 * FAM_REAL_OFFSET) /* here, the bytes as they were last moved */
#define STEP         0x40000000UL

void *__real_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *start, size_t bytes);

static uintptr_t next = FIRST;
static pthread_mutex_t moving = PTHREAD_MUTEX_INITIALIZER;

static void *at(uintptr_t place, size_t bytes, int flags, int fd, off_t offset)
{
	return __real_mmap((void *)place, bytes, PROT_READ | PROT_WRITE,
			   flags | MAP_FIXED_NOREPLACE, fd, offset);
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

/* Write the bytes of a word that have ones in `bytes`, in one step, as hardware does. */
static void write_word(uintptr_t word, uint64_t bytes)
{
	uint64_t mine = *(volatile uint64_t *)word;
	uint64_t *real = (uint64_t *)(word + FAM_REAL_OFFSET),
		 *clean = (uint64_t *)(word + CLEAN_OFFSET);
	uint64_t old = __atomic_load_n(real, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(real, &old, (old & ~bytes) | (mine & bytes), 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	*clean = (*clean & ~bytes) | (mine & bytes);
}

static uint64_t changed_bytes(uintptr_t word)
{
	uint64_t bytes = 0;
	for (unsigned i = 0; i < 8; i++)
		if (*(volatile char *)(word + i) != *(volatile char *)(word + CLEAN_OFFSET + i))
			bytes |= UINT64_C(0xff) << 8 * i;
	return bytes;
}

/* Write the words that differ from the bytes as they were last moved. */
static void write_changed(uintptr_t line)
{
	for (uintptr_t word = line; word < line + FAM_LINE; word += 8)
		if (changed_bytes(word))
			write_word(word, changed_bytes(word));
}

static void fetch_line(uintptr_t line)
{
	for (uintptr_t word = line; word < line + FAM_LINE; word += 8) {
		uint64_t value = *(volatile uint64_t *)(word + FAM_REAL_OFFSET);
		*(volatile uint64_t *)word = value;
		*(volatile uint64_t *)(word + CLEAN_OFFSET) = value;
	}
}

static void each_line(const void *start, size_t bytes, void (*move)(uintptr_t line))
{
	uintptr_t line = (uintptr_t)start & ~(uintptr_t)(FAM_LINE - 1);
	for (; line < (uintptr_t)start + bytes; line += FAM_LINE)
		move(line);
}

/*
 * A store of the same value is invisible: so take all bytes of the range as stored, and of the rest
 * of its lines the bytes that differ.
 */
static void write_back(const void *start, size_t bytes)
{
	uintptr_t byte = (uintptr_t)start, end = byte + bytes;
	while (byte < end) {
		uintptr_t word = byte & ~(uintptr_t)7, next_word = word + 8 < end ? word + 8 : end;
		uint64_t from = UINT64_MAX << 8 * (byte - word),
			 to = UINT64_MAX >> 8 * (word + 8 - next_word);
		write_word(word, from & to);
		byte = next_word;
	}
	each_line(start, bytes, write_changed);
}

static void in_order(void (*move)(const void *start, size_t bytes), const void *start, size_t bytes)
{
	pthread_mutex_lock(&moving);
	move(start, bytes);
	pthread_mutex_unlock(&moving);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void invalidate(const void *start, size_t bytes)
{
	each_line(start, bytes, write_changed);
	each_line(start, bytes, fetch_line);
}

void fam_writeback(const void *start, size_t bytes)
{
	in_order(write_back, start, bytes);
}

void fam_invalidate(const void *start, size_t bytes)
{
	in_order(invalidate, start, bytes);
}

void fam_flush(const void *start, size_t bytes)
{
	in_order(write_back, start, bytes);
	in_order(invalidate, start, bytes);
}
