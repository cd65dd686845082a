/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pool, and who uses it: the members of its registry.
 *
 * Whoever opens the pool becomes a member: a slot of the registry with a number that is never used
 * again. A thread of the library beats in it, eight times in the time after which a member that is
 * silent is dead (FAM_DEAD_AFTER_MS). Beating threads watch the other members too:
 *
 *   a node dies                  noticed within 1.25 times that time, by any member that lives
 *   a process of a node dies     likewise; within an eighth of it by members on the same node
 *   a node or process is paused  longer than that time: it is dead to the others. When it goes on,
 *                                its calls fail with -ESTALE; its locks may be somebody else's.
 *
 * All functions return 0 or more, or a negative errno. Handles may be shared by threads. A child
 * of fork() must open the pool anew: with its parent's handle it gets -ECHILD.
 */
#ifndef FAMULUS_POOL_H
#define FAMULUS_POOL_H

#include <stddef.h>
#include <stdint.h>

#define FAM_FOREVER       (-1) /* a time limit that is none; all limits are milliseconds */
#define FAM_DEAD_AFTER_MS 10000 /* unless FAMULUS_DEAD_AFTER_MS said otherwise at the first open */

struct fam;

/* A member of the registry, as others see it. */
struct fam_member {
	uint64_t id; /* what stands in a lock that it holds; never 0 */
	uint64_t beats; /* how often it has beaten */
	int32_t node; /* its node's number; 0 is the host, or a machine that Famulus does not run */
	int32_t pid; /* its process there */
	int64_t joined; /* seconds since 1970, by its node's clock */
};

/*
 * Open the pool: `path`, or if that is NULL $FAMULUS_POOL, /dev/fam0, /mnt/fabric_emulation, whichever
 * is there first. A pool whose directory is all zeros gets one. Its own number a node knows from
 * $FAMULUS_NODE, from /dev/fam0, or from its host name (fabric<k>).
 *
 * -ENOENT -EACCES: no pool, or not for you. -EINVAL: too small, or no file. -EUCLEAN: what lies in
 * place of the directory is none. -EUSERS: 512 members are there. -ETIMEDOUT: so long is it locked.
 */
int fam_open(struct fam **out, const char *path);

/* Leave and unmap. Close its regions first. Locks that are still held are a dead owner's. */
void fam_close(struct fam *fam);

uint64_t fam_size(const struct fam *fam); /* bytes of the pool */
int fam_node(const struct fam *fam); /* this node's number */
uint64_t fam_id(const struct fam *fam); /* this member's id */
int fam_dead_after(const struct fam *fam); /* milliseconds of silence that are death */
int fam_has_doorbell(const struct fam *fam); /* 1 if waits are ended by doorbells, else 0 */

/* Put at most `max` living members in `list` and return how many live. */
int fam_members(struct fam *fam, struct fam_member *list, int max);

/* Tell whether any member of `node` lives: 1 or 0. */
int fam_node_alive(struct fam *fam, int node);

#endif
