/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the library know of each other. */
#ifndef FAMULUS_INTERNAL_H
#define FAMULUS_INTERNAL_H

#include "public.h"
#include "layout.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* What this process has seen of a member, and since when it has been so. */
struct fam_seen {
	uint64_t state, beats;
	int64_t since;
};

struct fam {
	int fd;
	int event; /* an eventfd that the doorbell writes to, or -1 */
	int node;
	int peer; /* as which the doorbell knows it; there only with one */
	int dead_after; /* ms */
	uint64_t size;
	unsigned forks; /* fam_forks when it was opened */
	uint64_t id;
	uint64_t boot;
	char *directory; /* mapped */
	struct fam_locks *locks;
	struct fam_slot *slots, *slot;
	struct fam_entry *table; /* a private copy, right while the directory is locked */
	unsigned damaged; /* entries of it that are beyond repair */
	uint64_t sequence; /* the highest of it */
	/* the thread that beats */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stopping;
	bool stop, beating;
	int64_t watched; /* when the others were last looked at */
	struct fam_seen seen[FAM_SLOTS];
};

/* copy.c */
uint32_t fam_crc32(const void *data, size_t bytes);
void fam_copy_in(void *to, const void *from, size_t bytes); /* store, and write back */
void fam_copy_out(void *to, const void *from, size_t bytes); /* invalidate, and load */
void fam_zero(void *to, size_t bytes); /* zeros, written back and no longer held */

/* clock.c: milliseconds of a clock that nobody sets, and microseconds */
int64_t fam_now(void);
int64_t fam_now_us(void);
int64_t fam_deadline(int limit);
bool fam_is_over(int64_t deadline);
void fam_sleep_us(long microseconds);

/* device.c: the pool's file and the doorbell's */
int fam_device_open(struct fam *fam, const char *path);
void fam_device_close(struct fam *fam);
void fam_ring(struct fam *fam, uint64_t peers);

/* super.c: look whether there is a directory (0), or could be one (1), without touching anything;
   with the directory locked, mend the superblock or make it */
int fam_super_peek(struct fam *fam);
int fam_super_ensure(struct fam *fam);

/* member.c */
extern unsigned fam_forks;
int fam_join(struct fam *fam);
void fam_leave(struct fam *fam);
int fam_usable(struct fam *fam);
bool fam_is_dead(struct fam *fam, uint64_t id);
unsigned fam_slots_used(struct fam *fam);

/* watch.c: look after the other members; called by the thread that beats */
void fam_watch(struct fam *fam);
uint64_t fam_boot(void);
uint64_t fam_process_start(uint64_t pid); /* 0: it has ended, or nobody may know */

/* wait.c: try `step` until it returns 1 (0 is returned then) or an error, or time is up */
typedef int fam_step(struct fam *fam, void *what);
int fam_await(struct fam *fam, uint64_t *waiters, int limit, fam_step *step, void *what);
void fam_wake(struct fam *fam, uint64_t *waiters);

/* mutex.c: what stands in a mutex beside its owner */
#define FAM_HALF_DONE (1ULL << 63)
int fam_mutex_lock_any(struct fam *fam, struct fam_mutex *mutex, int limit); /* dead owner or not */

/* entry.c: the table; the directory is locked */
#define FAM_DAMAGED 3 /* the state of an entry beyond repair, in the private copy only */
int fam_directory_lock(struct fam *fam); /* and load it */
void fam_directory_unlock(struct fam *fam);
void fam_entry_clear(struct fam *fam, uint32_t index);
void fam_entry_write(struct fam *fam, struct fam_entry *entry);
struct fam_entry *fam_entry_find(struct fam *fam, const char *name);
struct fam_entry *fam_entry_unused(struct fam *fam);
uint64_t fam_extent(const struct fam_entry *entry); /* bytes that it takes */

/* extent.c: free pages; the directory is locked */
int fam_extent_find(struct fam *fam, uint64_t bytes, uint64_t *offset);
bool fam_extent_free(struct fam *fam, const struct fam_entry *but, uint64_t offset, uint64_t bytes);

/* access.c: may the caller read (4), write (2), change it (0: own it)? 0, -EACCES or -EPERM */
int fam_entry_allows(const struct fam_entry *entry, unsigned wanted);

/* map.c */
int fam_region_map(struct fam *fam, const struct fam_entry *entry, int flags,
		   struct fam_region **out);

#endif
