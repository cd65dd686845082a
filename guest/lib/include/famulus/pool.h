/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pool and its registry of members.
 *
 * A process that opens the pool becomes a member: it takes a slot of the registry, with a number
 * that is never used again. A thread of the library raises a counter in the slot, the heartbeat,
 * eight times in the period after which a silent member counts as dead (FAM_DEAD_AFTER_MS). The
 * same thread watches the heartbeats of the other members:
 *
 *   a node dies                  any living member notices the death within 1.25 periods
 *   a process of a node dies     likewise; members on the same node notice within 1/8 of a period
 *   a node or process is paused  for longer than a period: the other members take it for dead. When
 *                                it continues, its calls fail with -ESTALE, and other members
 *                                may own its locks.
 *
 * All functions return 0 or more, or a negative errno. Threads may share a handle. A child of
 * fork() must open the pool anew: calls with its parent's handle return -ECHILD.
 */
#ifndef FAMULUS_POOL_H
#define FAMULUS_POOL_H

#include <stddef.h>
#include <stdint.h>

#define FAM_FOREVER       (-1) /* no timeout; all timeouts are milliseconds */
#define FAM_DEAD_AFTER_MS 10000 /* unless FAMULUS_DEAD_AFTER_MS was set at the first open */

struct fam;

/* A member of the registry, as other members see it. */
struct fam_member {
	uint64_t id; /* the value in a lock that the member owns; never 0 */
	uint64_t beats; /* heartbeats so far */
	int32_t node; /* its node's number; 0: the host, or a machine that Famulus does not run */
	int32_t pid; /* its process id on its node */
	int64_t joined; /* seconds since 1970, by its node's clock */
};

/*
 * Open the pool: `path`, or if `path` is NULL $FAMULUS_POOL if it is set, else /dev/fam0 if it
 * exists, else /mnt/fabric_emulation. If the place of the directory is all zeros, fam_open() makes a
 * directory. The node's number comes from $FAMULUS_NODE, from /dev/fam0, or from the host name
 * (fabric<k>).
 *
 * -ENOENT: no pool. -EACCES: no permission. -EINVAL: too small, or neither a regular file nor the
 * driver's device. -EUCLEAN: the bytes in place of the directory are no directory. -EUSERS: 512
 * members exist. -ETIMEDOUT: the directory stayed locked, see region.h.
 */
int fam_open(struct fam **out, const char *path);

/*
 * Leave the registry and unmap the directory. Close the pool's regions first. Locks that this
 * member still owns become a dead owner's.
 */
void fam_close(struct fam *fam);

uint64_t fam_size(const struct fam *fam); /* bytes of the pool */
int fam_node(const struct fam *fam); /* this node's number */
uint64_t fam_id(const struct fam *fam); /* this member's id */
int fam_dead_after(const struct fam *fam); /* milliseconds; a member silent for longer is dead */
int fam_has_doorbell(const struct fam *fam); /* 1 if doorbells end waits, else 0 */

/* Store at most `max` living members in `list` and return the number of living members. */
int fam_members(struct fam *fam, struct fam_member *list, int max);

/* Return 1 if any member of `node` is alive, else 0. */
int fam_node_alive(struct fam *fam, int node);

#endif
