// SPDX-License-Identifier: GPL-2.0-or-later
#include "script.h"

#include <pthread.h>
#include <stdbool.h>

/* Of two threads that share a place, one has no line until that thread's next message. */
#define THREADS 1024

struct running {
	uint64_t space, thread;
	uint32_t line;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct running threads[THREADS];
static bool any;

static struct running *place(uint64_t space, uint64_t thread)
{
	uint64_t mixed = (space ^ thread << 1) * UINT64_C(0x9e3779b97f4a7c15);
	return &threads[(mixed >> 40) % THREADS];
}

void script_runs(uint64_t space, uint64_t thread, uint32_t line)
{
	pthread_mutex_lock(&mutex);
	*place(space, thread) = (struct running){space, thread, line < SCRIPT_LINES ? line : 0};
	pthread_mutex_unlock(&mutex);
	__atomic_store_n(&any, true, __ATOMIC_RELEASE);
}

void script_ends(uint64_t space)
{
	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < THREADS; i++)
		if (threads[i].space == space)
			threads[i].line = 0;
	pthread_mutex_unlock(&mutex);
}

uint64_t script_pc(uint64_t space, uint64_t thread, uint64_t pc)
{
	uint64_t line = 0;
	if (!__atomic_load_n(&any, __ATOMIC_ACQUIRE) || pc >> SCRIPT_SHIFT)
		return pc;
	pthread_mutex_lock(&mutex);
	const struct running *running = place(space, thread);
	if (running->space == space && running->thread == thread)
		line = running->line;
	pthread_mutex_unlock(&mutex);
	return pc | line << SCRIPT_SHIFT;
}
