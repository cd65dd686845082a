// SPDX-License-Identifier: GPL-2.0-or-later
/* Access the pool through /dev/fam0, as the arguments say, each at a byte offset; print loaded
 * values.
 *
 *   load:AT  store:AT:VALUE  flush:AT  add:AT:VALUE:TIMES  threads:AT:TIMES  read:AT:FILE  tell:EAX
 *   churn:AT:BYTES:TIMES (store into each line, and flush it)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 4

static char *pool;
static uint64_t at, value, times;

static void *count(void *unused)
{
	for (uint64_t i = 0; i < times; i++)
		__atomic_fetch_add((uint64_t *)(pool + at), value, __ATOMIC_SEQ_CST);
	return unused;
}

static void count_in_threads(void)
{
	pthread_t thread[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

/* Let the kernel store into the pool's pages: read() copies a file to an address. */
static int read_into(const char *file)
{
	int fd = open(file, O_RDONLY);
	long got = read(fd, pool + at, 8);
	close(fd);
	return got == 8 ? 0 : 1;
}

static void churn(void)
{
	for (uint64_t i = 0; i < times; i++)
		for (uint64_t line = at; line < at + value; line += 64) {
			*(volatile uint64_t *)(pool + line) = i + 1;
			__builtin_ia32_clflush(pool + line);
		}
}

static void tell(uint32_t what)
{
	uint32_t a = what, b = (uint32_t)getpid(), c = (uint32_t)getpid(), d = 0;
	__asm__ volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
}

static int obey(char *word)
{
	char *verb = strtok(word, ":"), *first = strtok(NULL, ":"), *second = strtok(NULL, ":");
	char *third = second ? strtok(NULL, ":") : NULL;
	at = strtoull(first, NULL, 0);
	value = second ? strtoull(second, NULL, 0) : 0;
	times = third ? strtoull(third, NULL, 0) : 1;
	volatile uint64_t *place = (uint64_t *)(pool + at);
	if (!strcmp(verb, "load"))
		printf("%llu\n", (unsigned long long)*place);
	else if (!strcmp(verb, "store"))
		*place = value;
	else if (!strcmp(verb, "flush"))
		__builtin_ia32_clflush(pool + at);
	else if (!strcmp(verb, "add"))
		count(NULL);
	else if (!strcmp(verb, "churn"))
		churn();
	else if (!strcmp(verb, "threads"))
		times = value, value = 1, count_in_threads();
	else if (!strcmp(verb, "read"))
		return read_into(second);
	else if (!strcmp(verb, "tell"))
		tell((uint32_t)at);
	else
		return 1;
	return 0;
}

int main(int words, char **word)
{
	int fd = open("/dev/fam0", O_RDWR);
	pool = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || pool == MAP_FAILED)
		return perror("/dev/fam0"), 1;
	for (int i = 1; i < words; i++)
		if (obey(word[i]))
			return fprintf(stderr, "%s did not work\n", word[i]), 1;
	return 0;
}
