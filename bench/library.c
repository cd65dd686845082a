// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program of bench/library.py: library PARTIES VERB COUNT, on PARTIES nodes at once. All nodes
 * wait for each other; then each node prints the microseconds of an operation, over COUNT
 * operations.
 */
#include <famulus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT  300000 /* milliseconds */
#define CAPACITY 256

struct shared {
	struct fam_barrier start, barrier;
	struct fam_mutex mutex;
	uint64_t turn[8] __attribute__((aligned(64)));
	char queue[FAM_QUEUE_BYTES(64, CAPACITY)] __attribute__((aligned(64)));
};

static struct fam *fam;
static struct shared *shared;
static uint32_t parties;
static uint64_t party;

static void must(int result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "library: %s\n", strerror(-result));
	exit(1);
}

/* Lock and unlock without turns. */
static void lock(long count)
{
	for (long i = 0; i < count; i++) {
		must(fam_mutex_lock(fam, &shared->mutex, TIMEOUT));
		must(fam_mutex_unlock(fam, &shared->mutex));
	}
}

/* Lock in turn: an operation is a hand-over to the next party. */
static void hand(long count)
{
	for (long done = 0; done < count;) {
		must(fam_mutex_lock(fam, &shared->mutex, TIMEOUT));
		bool mine = fam_load64(&shared->turn[0]) % parties == party;
		if (mine) {
			fam_fetch_add64(&shared->turn[0], 1);
			done++;
		}
		must(fam_mutex_unlock(fam, &shared->mutex));
	}
}

static void barrier(long count)
{
	for (long i = 0; i < count; i++)
		must(fam_barrier_wait(fam, &shared->barrier, parties, TIMEOUT));
}

/* Half of the parties push, half pop. */
static void queue(long count)
{
	struct fam_queue there;
	char message[64] = "";
	must(fam_queue_open(fam, shared->queue, sizeof(message), CAPACITY, &there));
	for (long i = 0; i < count; i++)
		must(party % 2 ? fam_queue_pop(&there, message, TIMEOUT)
			       : fam_queue_push(&there, message, TIMEOUT));
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void run(const char *verb, long count)
{
	if (strcmp(verb, "lock") == 0)
		lock(count);
	else if (strcmp(verb, "hand") == 0)
		hand(count);
	else if (strcmp(verb, "barrier") == 0)
		barrier(count);
	else
		queue(count);
}

int main(int argc, char *argv[])
{
	struct fam_region *region;
	if (argc != 4)
		return 2;
	parties = (uint32_t)atol(argv[1]);
	long count = atol(argv[3]);
	must(fam_open(&fam, NULL));
	must(fam_region_obtain(fam, "bench", sizeof(struct shared), 0660, &region));
	shared = region->base;
	party = fam_fetch_add64(&shared->turn[1], 1) % parties;
	must(fam_barrier_wait(fam, &shared->start, parties, TIMEOUT));
	double start = seconds();
	run(argv[2], count);
	printf("%.2f\n", 1e6 * (seconds() - start) / (double)count);
	must(fam_barrier_wait(fam, &shared->start, parties, TIMEOUT));
	fam_region_close(region);
	fam_close(fam);
	return 0;
}
