// SPDX-License-Identifier: GPL-2.0-or-later
/* Open, list and destroy regions; create.c makes and resizes them. */
#include "internal.h"

#include <errno.h>

#define POLL_US 1000

static int open_locked(struct fam *fam, const char *name, int flags, struct fam_region **out)
{
	const struct libfam_entry *entry = libfam_entry_find(fam, name);
	if (!entry)
		return -ENOENT;
	if (entry->state == FAM_CREATING)
		return -EAGAIN;
	int allowed = libfam_entry_allows(entry, flags & FAM_READ_ONLY ? 4 : 6);
	return allowed ? allowed : libfam_region_map(fam, entry, flags, out);
}

/* A region in the state FAM_CREATING soon becomes ready, or its maker dies: try again. */
int fam_region_open(struct fam *fam, const char *name, int flags, struct fam_region **out)
{
	int64_t deadline = libfam_deadline(3 * fam_dead_after(fam));
	for (;;) {
		int result = libfam_directory_lock(fam);
		if (result)
			return result;
		result = open_locked(fam, name, flags, out);
		libfam_directory_unlock(fam);
		if (result != -EAGAIN || libfam_is_over(deadline))
			return result;
		libfam_sleep_us(POLL_US);
	}
}

int fam_region_obtain(struct fam *fam, const char *name, uint64_t size, uint32_t mode,
		      struct fam_region **out)
{
	for (;;) {
		int result = fam_region_open(fam, name, 0, out);
		if (result == 0 && (*out)->size < size) {
			fam_region_close(*out);
			result = -EINVAL;
		}
		if (result != -ENOENT)
			return result;
		result = fam_region_create(fam, name, size, mode, 0, out);
		if (result != -EEXIST)
			return result;
	}
}

int fam_region_check(struct fam_region *region)
{
	struct fam *fam = region->fam;
	int result = libfam_directory_lock(fam);
	if (result)
		return result;
	const struct libfam_entry *entry = &fam->table[region->index];
	bool there = entry->state == FAM_LIVE && entry->identity == region->identity;
	libfam_directory_unlock(fam);
	return there ? 0 : -ESTALE;
}

static int destroy_locked(struct fam *fam, const char *name)
{
	struct libfam_entry *entry = libfam_entry_find(fam, name);
	int result = entry ? libfam_entry_allows(entry, 0) : -ENOENT;
	if (result)
		return result;
	entry->state = FAM_FREE;
	libfam_entry_write(fam, entry);
	return 0;
}

/* A region in the state FAM_CREATING can be destroyed too: its maker then gets -ESTALE. */
int fam_region_destroy(struct fam *fam, const char *name)
{
	int result = libfam_directory_lock(fam);
	if (result)
		return result;
	result = destroy_locked(fam, name);
	libfam_directory_unlock(fam);
	return result;
}

static void describe(const struct libfam_entry *entry, struct fam_region_info *info)
{
	*info = (struct fam_region_info){
		.offset = entry->offset,
		.size = entry->size,
		.created = (int64_t)entry->created,
		.uid = entry->uid,
		.gid = entry->gid,
		.mode = entry->mode,
		.kind = entry->kind,
	};
	memcpy(info->name, entry->name, sizeof(info->name));
}

int fam_region_list(struct fam *fam, struct fam_region_info *list, int max)
{
	int found = 0, result = libfam_directory_lock(fam);
	if (result)
		return result;
	for (uint32_t i = 0; i < libfam_entries(fam->size); i++) {
		if (fam->table[i].state != FAM_LIVE)
			continue;
		if (found < max)
			describe(&fam->table[i], &list[found]);
		found++;
	}
	libfam_directory_unlock(fam);
	return found;
}

int fam_region_stat(struct fam *fam, const char *name, struct fam_region_info *info)
{
	int result = libfam_directory_lock(fam);
	if (result)
		return result;
	const struct libfam_entry *entry = libfam_entry_find(fam, name);
	if (!entry || entry->state != FAM_LIVE)
		result = -ENOENT;
	else
		describe(entry, info);
	libfam_directory_unlock(fam);
	return result;
}

int fam_directory_repair(struct fam *fam)
{
	int repaired = 0, result = libfam_directory_lock(fam);
	if (result)
		return result;
	for (uint32_t i = 0; i < libfam_entries(fam->size); i++) {
		if (fam->table[i].state != FAM_DAMAGED)
			continue;
		libfam_entry_clear(fam, i);
		repaired++;
	}
	libfam_directory_unlock(fam);
	return repaired;
}
