// SPDX-License-Identifier: GPL-2.0-or-later
/* The seconds of loops of loads and stores, and of two nodes that hand data to each other.
 *
 * coherence_loop                 "private SECONDS", "pool SECONDS", "mixed SECONDS"
 * coherence_loop NODE ROUNDS     on nodes 1 and 2 at once: "pair SECONDS"
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define WORDS  (1 << 17) /* 1 MiB */
#define PASSES 200
#define LINES  256

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double load_and_store(volatile uint64_t *words)
{
	double start = now();
	for (unsigned pass = 0; pass < PASSES; pass++)
		for (unsigned i = 0; i < WORDS; i++)
			words[i] += i;
	return now() - start;
}

/* A usual program: computation in registers, a table, now and then memory. */
static double mixed(volatile uint64_t *words)
{
	double start = now();
	uint64_t hash = 1;
	for (unsigned i = 0; i < PASSES * WORDS / 8; i++) {
		for (unsigned k = 0; k < 8; k++)
			hash = (hash ^ (hash >> 29) ^ k) * UINT64_C(0xbf58476d1ce4e5b9);
		words[hash % WORDS] += hash;
	}
	return now() - start;
}

static uint64_t locked_add(uint64_t *word, uint64_t value)
{
	return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

/* By turns: store to LINES lines, write them back, set the flag; the other side invalidates and
 * loads. */
static double pair(char *pool, uint64_t node, unsigned rounds)
{
	uint64_t *turn = (uint64_t *)pool, sum = 0;
	volatile uint64_t *data = (uint64_t *)(pool + 4096);
	while (locked_add(turn, 0) % 2 != node - 1)
		sched_yield();
	double start = now();
	for (unsigned round = 0; round < rounds; round++) {
		while (locked_add(turn, 0) % 2 != node - 1)
			sched_yield();
		for (unsigned line = 0; line < LINES; line++) {
			__builtin_ia32_clflush((void *)&data[8 * line]);
			for (unsigned i = 0; i < 8; i++)
				sum += data[8 * line + i]++;
			__builtin_ia32_clflush((void *)&data[8 * line]);
		}
		locked_add(turn, 1);
	}
	return now() - start + (double)(sum == 1) * 1e-9;
}

int main(int count, char **argument)
{
	int fd = open("/dev/fam0", O_RDWR);
	char *pool = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t *own = calloc(WORDS, 8);
	if (fd < 0 || pool == MAP_FAILED || !own)
		return perror("/dev/fam0"), 1;
	if (count == 3) {
		printf("pair %f\n",
		       pair(pool, strtoull(argument[1], NULL, 0), (unsigned)atoi(argument[2])));
		return 0;
	}
	load_and_store(own);
	load_and_store((uint64_t *)(pool + (1 << 20)));
	printf("private %f\n", load_and_store(own));
	printf("pool %f\n", load_and_store((uint64_t *)(pool + (1 << 20))));
	printf("mixed %f\n", mixed(own));
	return 0;
}
