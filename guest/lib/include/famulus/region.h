/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named regions: whole pages of the pool, listed in a directory at its end.
 *
 * A name follows the rules of file names: 1 to 255 bytes without `/`. The library checks owner and
 * mode as for a file, but nothing else does: a process that can map the pool can access all of it.
 * The directory is consistent for every node at any time, whenever another node dies: an unfinished
 * call has no effect.
 *
 * Regions never take the first 1/FAM_RAW_PART of the pool, nor a range that fam_region_reserve()
 * has reserved: programs without regions use these ranges freely.
 *
 * Further errors of all calls: -ETIMEDOUT: the directory stayed locked for three times the period
 * after which a silent member is dead; -ESTALE and -ECHILD, see pool.h; -ENOMEM; the errors of
 * mmap(2).
 */
#ifndef FAMULUS_REGION_H
#define FAMULUS_REGION_H

#include <stdint.h>
#include <famulus/pool.h>

#define FAM_RAW_PART 64
#define FAM_NAME_MAX 255

#define FAM_READ_ONLY 1 /* open: map for loads only (without locked instructions) */
#define FAM_KEEP      2 /* create: keep the bytes of the pool instead of writing zeros */

enum fam_kind { FAM_REGION = 0, FAM_RESERVED = 1 };

struct fam_region {
	void *base; /* address of the mapping */
	uint64_t size; /* bytes, at the time of the opening */
	uint64_t offset; /* in the pool */
	struct fam *fam;
	uint64_t identity; /* unique among all regions that ever had this name; for the library */
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
 * -EEXIST; -EINVAL: invalid name or size; -ENAMETOOLONG; -ENOSPC: no room, or the directory is
 * full; -EUCLEAN: an entry of the directory is damaged, and its unknown pages must not be given
 * away.
 */
int fam_region_create(struct fam *fam, const char *name, uint64_t size, uint32_t mode, int flags,
		      struct fam_region **out);

/*
 * Map an existing region. If another member is making it, wait for as long as for the directory's
 * lock. -EAGAIN: it was still not ready. -ENOENT -EACCES -EINVAL
 */
int fam_region_open(struct fam *fam, const char *name, int flags, struct fam_region **out);

/* Open a region, or make it if it does not exist. -EINVAL: the existing region is smaller. */
int fam_region_obtain(struct fam *fam, const char *name, uint64_t size, uint32_t mode,
		      struct fam_region **out);

/* Unmap the region. It stays in the pool. */
void fam_region_close(struct fam_region *region);

/* Return 0 if the opened region still exists, -ESTALE if it was destroyed. */
int fam_region_check(struct fam_region *region);

/*
 * Change a region's size without moving it; added bytes are zeros. Other processes see the new size
 * when they open the region again. -EPERM: the caller is not the owner. -ENOSPC: the pages behind
 * the region are not free. -ENOENT -EINVAL -EUCLEAN
 */
int fam_region_resize(struct fam *fam, const char *name, uint64_t size);

/*
 * Remove a region. Another region may get its pages at once: processes that still have the
 * destroyed region mapped must not use it. -ENOENT; -EPERM: the caller is not the owner.
 */
int fam_region_destroy(struct fam *fam, const char *name);

/*
 * Reserve `size` bytes at `offset`, whole pages, so that no region gets them. -EBUSY: the range is
 * not free. Other errors as for fam_region_create().
 */
int fam_region_reserve(struct fam *fam, const char *name, uint64_t offset, uint64_t size,
		       uint32_t mode);

/* Store at most `max` regions in `list` and return the number of regions in the pool. */
int fam_region_list(struct fam *fam, struct fam_region_info *list, int max);

/* Fill in `info`. -ENOENT */
int fam_region_stat(struct fam *fam, const char *name, struct fam_region_info *info);

/* Clear the entries that cannot be repaired and return their number. Their regions are lost. */
int fam_directory_repair(struct fam *fam);

#endif
