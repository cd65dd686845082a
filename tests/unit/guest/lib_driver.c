// SPDX-License-Identifier: GPL-2.0-or-later
/* lib_driver POOL VERB COUNT: one of several processes that run the same verb on one pool. */
#include <famulus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 60000
#define REGION  65536

/*
 * The shared region: only locked instructions access its lines, except `guarded`, which locks
 * guard.
 */
struct shared {
	struct fam_mutex mutex;
	struct fam_rwlock rwlock;
	struct fam_semaphore semaphore;
	struct fam_barrier barrier;
	struct fam_once once;
	struct fam_event event;
	uint64_t words[8] __attribute__((aligned(64)));
	uint64_t guarded[8] __attribute__((aligned(64)));
	char queue[FAM_QUEUE_BYTES(24, 64)] __attribute__((aligned(64)));
};

static struct fam *fam;
static struct shared *shared;

static void must(int result, const char *call)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", call, strerror(-result));
	exit(1);
}

/* words[0]: 64 bits, words[1]: 32 bits, words[2] and [3]: 128 bits */
static void add(long count)
{
	struct fam_128 *wide = (struct fam_128 *)&shared->words[2];
	for (long i = 0; i < count; i++) {
		fam_fetch_add64(&shared->words[0], 1);
		fam_fetch_add32((uint32_t *)&shared->words[1], 1);
		struct fam_128 old = fam_load128(wide), next;
		do {
			next = (struct fam_128){old.low + 1, old.high + 2};
		} while (!fam_cas128(wide, &old, next));
	}
}

static void raise_guarded(void)
{
	fam_invalidate(shared->guarded, sizeof(shared->guarded));
	for (int i = 0; i < 8; i++)
		shared->guarded[i]++;
	fam_writeback(shared->guarded, sizeof(shared->guarded));
}

static void mutex(long count)
{
	for (long i = 0; i < count; i++) {
		must(fam_mutex_lock(fam, &shared->mutex, TIMEOUT), "lock");
		raise_guarded();
		must(fam_mutex_unlock(fam, &shared->mutex), "unlock");
	}
}

/* A reader must never see a half of a writer's change. */
static void read_guarded(void)
{
	uint64_t seen[8];
	fam_invalidate(shared->guarded, sizeof(shared->guarded));
	memcpy(seen, shared->guarded, sizeof(seen));
	for (int i = 1; i < 8; i++)
		if (seen[i] != seen[0])
			must(-1, "a reader saw half of a change");
}

static void rwlock(long count)
{
	for (long i = 0; i < count; i++) {
		bool write = i % 4 == 0;
		must(write ? fam_rwlock_write(fam, &shared->rwlock, TIMEOUT)
			   : fam_rwlock_read(fam, &shared->rwlock, TIMEOUT),
		     "rwlock");
		if (write)
			raise_guarded();
		else
			read_guarded();
		must(fam_rwlock_unlock(fam, &shared->rwlock), "unlock");
	}
}

/* A semaphore with a count of 1 works like a mutex. */
static void semaphore(long count)
{
	if (fam_fetch_add64(&shared->words[0], 1) == 0)
		must(fam_semaphore_post(fam, &shared->semaphore, 1), "post");
	for (long i = 0; i < count; i++) {
		must(fam_semaphore_wait(fam, &shared->semaphore, TIMEOUT), "wait");
		raise_guarded();
		must(fam_semaphore_post(fam, &shared->semaphore, 1), "post");
	}
}

/* Two parties; neither is ever a round ahead. */
static void barrier(long count)
{
	for (long i = 0; i < count; i++) {
		fam_fetch_add64(&shared->words[0], 1);
		must(fam_barrier_wait(fam, &shared->barrier, 2, TIMEOUT), "barrier");
		if (fam_load64(&shared->words[0]) < 2 * (uint64_t)(i + 1))
			must(-1, "a party left before the other arrived");
		must(fam_barrier_wait(fam, &shared->barrier, 2, TIMEOUT), "barrier");
	}
}

static int raise_word(void *word)
{
	fam_fetch_add64(word, 1);
	return 0;
}

static void once(long count)
{
	for (long i = 0; i < count; i++)
		must(fam_once(fam, &shared->once, raise_word, &shared->words[0], TIMEOUT), "once");
}

/* Push and pop `count` messages, of any process; the test compares the sums at the end. */
static void queue(long count)
{
	struct fam_queue there;
	uint64_t message[3];
	must(fam_queue_open(fam, shared->queue, sizeof(message), 64, &there), "queue");
	for (long i = 0; i < count; i++) {
		memcpy(message, (uint64_t[]){fam_id(fam), (uint64_t)i, fam_id(fam) + (uint64_t)i},
		       sizeof(message));
		must(fam_queue_push(&there, message, TIMEOUT), "push");
		fam_fetch_add64(&shared->words[0], message[2]);
		must(fam_queue_pop(&there, message, TIMEOUT), "pop");
		if (message[0] + message[1] != message[2])
			must(-1, "a message was torn");
		fam_fetch_add64(&shared->words[0], -message[2]);
		fam_fetch_add64(&shared->words[1], 1);
	}
}

/* Two processes in turn: each waits for the other's notification. */
static void event(long count)
{
	uint64_t mine = fam_fetch_add64(&shared->words[0], 1);
	for (uint64_t turn = 0; turn < 2 * (uint64_t)count; turn++) {
		if (turn % 2 == mine)
			must(fam_event_notify(fam, &shared->event), "notify");
		else
			must(fam_event_wait(fam, &shared->event, turn, TIMEOUT), "wait");
	}
}

static const struct {
	const char *name;
	void (*run)(long count);
} verbs[] = {
	{"add", add},         {"mutex", mutex}, {"rwlock", rwlock}, {"semaphore", semaphore},
	{"barrier", barrier}, {"once", once},   {"queue", queue},   {"event", event},
};

static void run(const char *verb, long count)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			verbs[i].run(count);
}

int main(int argc, char *argv[])
{
	struct fam_region *region;
	if (argc != 4)
		return 2;
	must(fam_open(&fam, argv[1]), "open");
	must(fam_region_obtain(fam, "driver", REGION, 0600, &region), "region");
	shared = region->base;
	run(argv[2], atol(argv[3]));
	fam_invalidate(shared->guarded, sizeof(shared->guarded));
	printf("%llu %u %llu %llu %llu %llu\n", (unsigned long long)fam_load64(&shared->words[0]),
	       fam_load32((uint32_t *)&shared->words[1]),
	       (unsigned long long)fam_load64(&shared->words[2]),
	       (unsigned long long)fam_load64(&shared->words[3]),
	       (unsigned long long)shared->guarded[0], (unsigned long long)shared->guarded[7]);
	fam_region_close(region);
	fam_close(fam);
	return 0;
}
