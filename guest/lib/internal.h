/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structures and functions that the library's units share. The prefix libfam_ marks names that are
 * not public.
 */
#ifndef FAMULUS_INTERNAL_H
#define FAMULUS_INTERNAL_H

#include "public.h"
#include "layout.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* The last seen state of a member, and the time since when it has not changed. */
struct libfam_seen {
	uint64_t state, beats;
	int64_t since; /* milliseconds, libfam_now() */
};

struct fam {
	int fd;
	int event; /* an eventfd that the doorbell signals, or -1 */
	int node;
	int peer; /* this node's id for the doorbell; valid only with one */
	int dead_after; /* milliseconds */
	uint64_t size; /* bytes */
	unsigned forks; /* the count of forks at the time of opening, see member.c */
	uint64_t id;
	uint64_t boot;
	char *directory; /* the mapping */
	struct libfam_locks *locks;
	struct libfam_slot *slots, *slot;
	struct libfam_entry *table; /* a private copy, valid while the directory is locked */
	unsigned damaged; /* entries of `table` that cannot be repaired */
	uint64_t sequence; /* the highest sequence number in `table` */
	/* the thread of the heartbeat */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stopping;
	bool stop, beating;
	int64_t watched; /* milliseconds: time of the last look at the other members */
	struct libfam_seen seen[FAM_SLOTS];
};

/*
 * access.c: check permission to read (4), write (2), or change as owner (0). 0, -EACCES or -EPERM
 */
int libfam_entry_allows(const struct libfam_entry *entry, unsigned wanted);

/* checksum.c */
uint32_t libfam_crc32(const void *data, size_t bytes);

/* clock.c: milliseconds and microseconds of the monotonic clock */
int64_t libfam_now(void);
int64_t libfam_now_us(void);
int64_t libfam_deadline(int timeout);
bool libfam_is_over(int64_t deadline);
void libfam_sleep_us(long microseconds);

/* copy.c */
void libfam_copy_in(void *to, const void *from, size_t bytes); /* store, and write back */
void libfam_copy_out(void *to, const void *from, size_t bytes); /* invalidate, and load */
void libfam_zero(void *to, size_t bytes); /* store zeros, write back and drop the lines */

/* device.c: the pool's file, and its doorbell */
int libfam_device_open(struct fam *fam, const char *path);
void libfam_device_close(struct fam *fam);
void libfam_ring(struct fam *fam, uint64_t peers);

/* entry.c: the entries of the directory. The caller has locked the directory. */
#define FAM_DAMAGED 3 /* state of an entry that cannot be repaired, in the private copy only */
int libfam_directory_lock(struct fam *fam); /* lock and load the directory */
void libfam_directory_unlock(struct fam *fam);
void libfam_entry_clear(struct fam *fam, uint32_t index);
void libfam_entry_write(struct fam *fam, struct libfam_entry *entry);
struct libfam_entry *libfam_entry_find(struct fam *fam, const char *name);
struct libfam_entry *libfam_entry_unused(struct fam *fam);
uint64_t libfam_extent(const struct libfam_entry *entry); /* bytes of the entry's pages */

/* extent.c: free pages. The caller has locked the directory. */
int libfam_extent_find(struct fam *fam, uint64_t bytes, uint64_t *offset);
bool libfam_extent_free(struct fam *fam, const struct libfam_entry *but, uint64_t offset,
			uint64_t bytes);

/* map.c */
int libfam_region_map(struct fam *fam, const struct libfam_entry *entry, int flags,
		      struct fam_region **out);

/* member.c: this process as a member */
int libfam_join(struct fam *fam);
void libfam_leave(struct fam *fam);
int libfam_usable(struct fam *fam); /* 0, -ECHILD after fork(), -ESTALE if declared dead */

/* mutex.c */
#define FAM_HALF_DONE (1ULL << 63) /* in `owner`: the protected data need repair */
int libfam_mutex_lock_any(struct fam *fam, struct fam_mutex *mutex,
			  int timeout); /* also after death */

/* process.c: the boot and pid namespace of this process; a process's start time, 0 if unknown */
uint64_t libfam_boot(void);
uint64_t libfam_process_start(uint64_t pid);

/* slot.c: the slots of the registry */
uint64_t libfam_slot_state(uint64_t id); /* the state of a slot while member `id` has it */
bool libfam_is_dead(struct fam *fam, uint64_t id);
unsigned libfam_slots_used(struct fam *fam);
void libfam_slots_raise_used(struct fam *fam); /* count this member's slot as used */

/*
 * superblock.c: without changing the pool, return 0 if it has a directory, 1 if it can get one;
 * with the directory locked, repair or make the superblock
 */
int libfam_super_peek(struct fam *fam);
int libfam_super_ensure(struct fam *fam);

/*
 * wait.c: call `step` until it returns 1 (then return 0) or an error, or the timeout is over; wake
 * the waiters whose bits are set in `waiters`
 */
typedef int libfam_step(struct fam *fam, void *argument);
int libfam_await(struct fam *fam, uint64_t *waiters, int timeout, libfam_step *step,
		 void *argument);
void libfam_wake(struct fam *fam, uint64_t *waiters);

/* watch.c: detect dead members; the thread of the heartbeat calls libfam_watch() */
void libfam_watch(struct fam *fam);

#endif
