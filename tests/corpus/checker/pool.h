/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the programs here: a piece of the pool for each program, the instructions by name. */
#ifndef POOL_H
#define POOL_H

#pragma GCC target("clwb,clflushopt")
#include <emmintrin.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As in <immintrin.h>, whose 44000 lines cost five times as much to compile as the program. */
#ifndef _mm_clwb
#define _mm_clwb(address)       __builtin_ia32_clwb(address)
#define _mm_clflushopt(address) __builtin_ia32_clflushopt(address)
#endif

#define LINE     __attribute__((aligned(64)))
#define PIECE    16384
#define MEETINGS 1024 /* bytes at the beginning of the piece */
#define TRIES    20000 /* of a loop whose wait may never end */

static int me, all;
static char *piece;

/* Map piece ARG of the pool and return the address behind the words of the meetings. */
static inline void *start(int argc, char *argv[])
{
	int fd = open("/mnt/fabric_emulation", O_RDWR);
	long number = argc > 1 ? atol(argv[1]) : 0;
	char *memory = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, number * PIECE);
	if (fd < 0 || memory == MAP_FAILED) {
		perror("/mnt/fabric_emulation");
		exit(9);
	}
	me = atoi(getenv("FAMULUS_NODE"));
	all = atoi(getenv("FAMULUS_NODES"));
	piece = memory;
	return memory + MEETINGS;
}

static inline uint64_t add(uint64_t *word, uint64_t value)
{
	return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t look(uint64_t *word)
{
	return add(word, 0);
}

static inline uint64_t swap(uint64_t *word, uint64_t value)
{
	return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

static inline int change(uint64_t *word, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(word, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Wait until all nodes have called this function `number` times. */
static inline void meet(int number)
{
	uint64_t *word = (uint64_t *)(piece + number * 64);
	add(word, 1);
	while (look(word) < (uint64_t)all)
		usleep(200);
}

static inline void lock(uint64_t *word)
{
	while (!change(word, 0, (uint64_t)me))
		usleep(100);
}

static inline void unlock(uint64_t *word)
{
	swap(word, 0);
}

#define EACH_LINE(start, bytes, instruction) \
	for (uintptr_t at = (uintptr_t)(start) & ~(uintptr_t)63, \
		       end = (uintptr_t)(start) + (bytes); \
	     at < end; at += 64) \
	instruction((void *)at)

/* Write lines back and keep them. */
static inline void keep(void *start, size_t bytes)
{
	EACH_LINE(start, bytes, _mm_clwb);
	_mm_sfence();
}

/* Write lines back at once and throw them away. */
static inline void flush(void *start, size_t bytes)
{
	EACH_LINE(start, bytes, _mm_clflush);
}

/* Throw lines away before the next load. */
static inline void drop(void *start, size_t bytes)
{
	EACH_LINE(start, bytes, _mm_clflushopt);
	_mm_mfence();
}

/* Poll a plain word, with a fresh copy each time. */
static inline uint64_t await(volatile uint64_t *word, uint64_t value)
{
	uint64_t seen = 0;
	for (int i = 0; i < 20 * TRIES; i++) {
		drop((void *)word, 8);
		if ((seen = *word) >= value)
			break;
		usleep(50);
	}
	return seen;
}

#endif
