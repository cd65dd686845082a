// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"
#include <pthread.h>

static volatile uint64_t *sums;

static void *work(void *number)
{
	for (uint64_t i = 0; i < 100; i++)
		sums[8 * me + (uintptr_t)number] += i;
	return NULL;
}

int main(int argc, char *argv[])
{
	pthread_t thread;
	sums = start(argc, argv);
	pthread_create(&thread, NULL, work, (void *)1);
	work((void *)2);
	pthread_join(thread, NULL);
	flush((void *)&sums[8 * me], 64);
	meet(0);
	drop((void *)sums, 64 * ((size_t)all + 1));
	printf("%lu\n", sums[9] + sums[18]);
	return 0;
}
