/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named regions: whole pages of the pool, listed in a directory at its end.
 *
 * A name is that of a file: 1 to 255 bytes without `/`. Owner and mode are checked as a file's, by
 * this library alone: whoever can map the pool can reach all of it. The directory is right at any
 * time for any node, whenever another dies: a call that was not finished has not happened.
 *
 * The first 1/FAM_RAW_PART of the pool is never given to a region, and neither is what
 * fam_region_reserve() sets apart: there, programs that know nothing of regions do as they like.
 *
 * Further errors of all calls: -ETIMEDOUT, the directory was locked for three times the time after
 * which a silent member is dead; -ESTALE and -ECHILD, see pool.h; -ENOMEM; those of mmap(2).
 */
#ifndef FAMULUS_REGION_H
#define FAMULUS_REGION_H

#include <stdint.h>
#include <famulus/pool.h>

#define FAM_RAW_PART 64
#define FAM_NAME_MAX 255

#define FAM_READ_ONLY 1 /* open: map for loads only (no locked instructions) */
#define FAM_KEEP      2 /* create: leave the bytes as they are instead of zeros */

enum fam_kind { FAM_REGION = 0, FAM_RESERVED = 1 };

struct fam_region {
	void *base; /* where it is mapped */
	uint64_t size; /* bytes, as of the opening */
	uint64_t offset; /* in the pool */
	struct fam *fam;
	uint64_t identity; /* of the region called so, among all that ever were; for the library */
	uint32_t index;
	char name[FAM_NAME_MAX + 1];
};

struct fam_region_info {
	uint64_t offset, size; /* bytes */
	int64_t created; /* seconds since 1970 */
	uint32_t uid, gid, mode, kind;
	char name[FAM_NAME_MAX + 1];
};

/*
 * Make a region of `size` bytes, all zeros, owned by the caller, and map it.
 * -EEXIST; -EINVAL: no such name or size can be; -ENAMETOOLONG; -ENOSPC: no room, or the directory is
 * full; -EUCLEAN: an entry of the directory is damaged, and what it held must not be given away.
 */
int fam_region_create(struct fam *fam, const char *name, uint64_t size, uint32_t mode, int flags,
		      struct fam_region **out);

/*
 * Map a region that exists. One that is being made is waited for, as long as the directory's lock;
 * then it is -EAGAIN. -ENOENT -EACCES -EINVAL
 */
int fam_region_open(struct fam *fam, const char *name, int flags, struct fam_region **out);

/* Open it, or make it if there is none. -EINVAL: it is there and smaller. */
int fam_region_obtain(struct fam *fam, const char *name, uint64_t size, uint32_t mode,
		      struct fam_region **out);

/* Unmap. The region stays. */
void fam_region_close(struct fam_region *region);

/* 0 if the region that was opened is still there, -ESTALE if it was destroyed. */
int fam_region_check(struct fam_region *region);

/*
 * Change its size, where it is; what is new is zeros. Others see it when they open it again.
 * -EPERM: not the owner's. -ENOSPC: what lies behind it is not free. -ENOENT -EINVAL -EUCLEAN
 */
int fam_region_resize(struct fam *fam, const char *name, uint64_t size);

/* Forget it. Its pages may be another's at once: whoever still has it mapped must not use it. */
int fam_region_destroy(struct fam *fam, const char *name);

/* Set `size` bytes at `offset`, whole pages, apart. -EBUSY: a region lies there. As for create. */
int fam_region_reserve(struct fam *fam, const char *name, uint64_t offset, uint64_t size,
		       uint32_t mode);

/* Put at most `max` regions in `list` and return how many there are. */
int fam_region_list(struct fam *fam, struct fam_region_info *list, int max);

/* Fill `info` in. -ENOENT */
int fam_region_stat(struct fam *fam, const char *name, struct fam_region_info *info);

/* Forget entries that are damaged beyond repair, and return how many. Their regions are lost. */
int fam_directory_repair(struct fam *fam);

#endif
