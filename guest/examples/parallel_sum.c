// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sum on several nodes: run parallel_sum PARTIES [NUMBERS] on PARTIES nodes at once. One node
 * stores the numbers 1 to NUMBERS, then each node sums its share.
 */
#include <famulus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 120000 /* milliseconds */

/* Locked instructions access the first three members, plain instructions the numbers. */
struct shared {
	struct fam_once filled;
	struct fam_barrier barrier;
	struct {
		uint64_t tickets, total, unused[6];
	} words;
	uint64_t numbers[];
};

struct job {
	struct shared *shared;
	uint64_t count;
};

static int fill(void *argument)
{
	struct job *job = argument;
	for (uint64_t i = 0; i < job->count; i++)
		job->shared->numbers[i] = i + 1;
	fam_writeback(job->shared->numbers, job->count * sizeof(uint64_t));
	return 0;
}

static uint64_t sum_of_share(struct job *job, uint64_t party, uint32_t parties)
{
	uint64_t first = job->count * party / parties, end = job->count * (party + 1) / parties;
	uint64_t sum = 0;
	fam_invalidate(&job->shared->numbers[first], (end - first) * sizeof(uint64_t));
	for (uint64_t i = first; i < end; i++)
		sum += job->shared->numbers[i];
	return sum;
}

static int run(struct fam *fam, struct job *job, uint32_t parties)
{
	struct shared *shared = job->shared;
	uint64_t party = fam_fetch_add64(&shared->words.tickets, 1) % parties;
	int result = fam_once(fam, &shared->filled, fill, job, TIMEOUT);
	if (result == 0)
		result = fam_barrier_wait(fam, &shared->barrier, parties, TIMEOUT);
	if (result == 1) /* the last party: clear the total of an earlier run */
		fam_store64(&shared->words.total, 0);
	if (result >= 0)
		result = fam_barrier_wait(fam, &shared->barrier, parties, TIMEOUT);
	if (result >= 0)
		fam_fetch_add64(&shared->words.total, sum_of_share(job, party, parties));
	if (result >= 0)
		result = fam_barrier_wait(fam, &shared->barrier, parties, TIMEOUT);
	return result < 0 ? result : 0;
}

int main(int argc, char *argv[])
{
	struct fam *fam;
	struct fam_region *region;
	uint32_t parties = argc > 1 ? (uint32_t)atol(argv[1]) : 1;
	struct job job = {.count = argc > 2 ? (uint64_t)atol(argv[2]) : 100000};
	uint64_t bytes = sizeof(struct shared) + job.count * sizeof(uint64_t);
	int result = fam_open(&fam, NULL);
	if (result == 0)
		result = fam_region_obtain(fam, "parallel_sum", bytes, 0660, &region);
	if (result == 0) {
		job.shared = region->base;
		result = run(fam, &job, parties);
	}
	if (result) {
		fprintf(stderr, "parallel_sum: %s\n", strerror(-result));
		return 1;
	}
	printf("node %d: the sum of 1 to %llu is %llu\n", fam_node(fam),
	       (unsigned long long)job.count,
	       (unsigned long long)fam_load64(&job.shared->words.total));
	fam_region_close(region);
	fam_close(fam);
	return 0;
}
