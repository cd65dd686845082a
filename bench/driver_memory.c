// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast memory is: anonymous, the pool through /dev/fam0, the pool through resource2.
 *
 * driver_memory MIB ROUNDS: a line a target and round, "TARGET WRITE READ RANDOM": MB/s of 8-byte
 * stores in sequence, MB/s of such loads, ns of a load at a random place. Needs root for resource2.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define LOADS   2000000
#define TARGETS 3

static const char *const paths[TARGETS] = {NULL, "/dev/fam0", "/mnt/fabric_emulation"};
static const char *const names[TARGETS] = {"anonymous", "fam0", "resource2"};
static volatile uint64_t sink;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static uint64_t *map(const char *path, size_t size)
{
	int protection = PROT_READ | PROT_WRITE;
	int fd = path ? open(path, O_RDWR) : -1;
	int flags = path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *memory = mmap(NULL, size, protection, flags, fd, 0);
	if (memory == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	if (!path)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

static double write_all(uint64_t *words, size_t count)
{
	double start = now();
	for (size_t i = 0; i < count; i++)
		((volatile uint64_t *)words)[i] = i;
	return (double)(count * 8) / 1e6 / (now() - start);
}

static double read_all(const uint64_t *words, size_t count)
{
	uint64_t sum = 0;
	double start = now();
	for (size_t i = 0; i < count; i++)
		sum += ((const volatile uint64_t *)words)[i];
	sink = sum;
	return (double)(count * 8) / 1e6 / (now() - start);
}

static double read_random(const uint64_t *words, size_t count)
{
	uint64_t sum = 0, state = 88172645463325252ULL; /* Marsaglia's xorshift64 */
	double start = now();
	for (int i = 0; i < LOADS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		sum += ((const volatile uint64_t *)words)[state & (count - 1)];
	}
	sink = sum;
	return (now() - start) * 1e9 / LOADS;
}

int main(int argc, char **argv)
{
	size_t size = (size_t)atol(argv[argc - 2]) << 20, count = size / 8;
	uint64_t *memory[TARGETS];
	for (int i = 0; i < TARGETS; i++) {
		memory[i] = map(paths[i], size);
		write_all(memory[i], count); /* its pages are there */
	}
	for (int round = atoi(argv[argc - 1]); round > 0; round--) {
		for (int i = 0; i < TARGETS; i++) {
			double write = write_all(memory[i], count);
			double read = read_all(memory[i], count);
			printf("%s %.1f %.1f %.2f\n", names[i], write, read,
			       read_random(memory[i], count));
		}
	}
	return 0;
}
