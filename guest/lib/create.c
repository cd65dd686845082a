// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Make a region, or change its size. Zeros are written while the entry says "being made" and the
 * directory is not locked: that may take long.
 */
#include "internal.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static int check_name(const char *name)
{
	size_t length = strlen(name);
	if (length > FAM_NAME_MAX)
		return -ENAMETOOLONG;
	return length && !strchr(name, '/') ? 0 : -EINVAL;
}

/* Find room for what is to be called `name`: where it is wanted if that is reserved, else anywhere. */
static int place(struct fam *fam, const char *name, struct fam_entry *wanted)
{
	if (wanted->size > fam->size)
		return -ENOSPC;
	if (fam_entry_find(fam, name))
		return -EEXIST;
	if (fam->damaged)
		return -EUCLEAN;
	if (wanted->kind == FAM_RESERVED)
		return fam_extent_free(fam, NULL, wanted->offset, fam_extent(wanted)) ? 0 : -EBUSY;
	return fam_extent_find(fam, fam_extent(wanted), &wanted->offset);
}

static int enter(struct fam *fam, const char *name, struct fam_entry *wanted)
{
	struct fam_entry *entry = fam_entry_unused(fam);
	int result = place(fam, name, wanted);
	if (result || !entry)
		return result ? result : -ENOSPC;
	wanted->uid = geteuid();
	wanted->gid = getegid();
	wanted->creator = fam->id;
	wanted->created = (uint64_t)time(NULL);
	wanted->identity = fam->sequence + 1;
	wanted->length = (uint32_t)strlen(name);
	memcpy(wanted->name, name, wanted->length);
	*entry = *wanted;
	fam_entry_write(fam, entry);
	*wanted = *entry;
	return 0;
}

static int enter_locked(struct fam *fam, const char *name, struct fam_entry *wanted)
{
	int result = check_name(name);
	if (result == 0)
		result = wanted->size ? fam_directory_lock(fam) : -EINVAL;
	if (result)
		return result;
	result = enter(fam, name, wanted);
	fam_directory_unlock(fam);
	return result;
}

/* Say that it is ready, unless it has been destroyed meanwhile; or, on failure, that it is not. */
static int finish(struct fam *fam, const struct fam_entry *made, uint32_t state)
{
	int result = fam_directory_lock(fam);
	if (result)
		return result;
	struct fam_entry *entry = &fam->table[made->index];
	if (entry->state == FAM_CREATING && entry->identity == made->identity) {
		entry->state = state;
		fam_entry_write(fam, entry);
	} else {
		result = -ESTALE;
	}
	fam_directory_unlock(fam);
	return result;
}

int fam_region_create(struct fam *fam, const char *name, uint64_t size, uint32_t mode, int flags,
		      struct fam_region **out)
{
	struct fam_entry wanted = {
		.state = FAM_CREATING, .kind = FAM_REGION, .mode = mode & 0777, .size = size};
	struct fam_region *region;
	int result = enter_locked(fam, name, &wanted);
	if (result)
		return result;
	result = fam_region_map(fam, &wanted, 0, &region);
	if (result) {
		(void)finish(fam, &wanted, FAM_FREE); /* the first error is the one to tell */
		return result;
	}
	if (!(flags & FAM_KEEP))
		fam_zero(region->base, fam_extent(&wanted));
	result = finish(fam, &wanted, FAM_LIVE);
	if (result)
		fam_region_close(region);
	else
		*out = region;
	return result;
}

int fam_region_reserve(struct fam *fam, const char *name, uint64_t offset, uint64_t size,
		       uint32_t mode)
{
	struct fam_entry wanted = {
		.state = FAM_LIVE,
		.kind = FAM_RESERVED,
		.mode = mode & 0777,
		.offset = offset,
		.size = size,
	};
	return offset % FAM_PAGE ? -EINVAL : enter_locked(fam, name, &wanted);
}

/* What comes after the old end is zeroed before it belongs to the region. */
static int grow(struct fam *fam, struct fam_entry *entry, uint64_t size)
{
	struct fam_entry larger = *entry;
	struct fam_region *region;
	larger.size = size;
	if (fam->damaged)
		return -EUCLEAN;
	if (size > fam->size || !fam_extent_free(fam, entry, entry->offset, fam_extent(&larger)))
		return -ENOSPC;
	int result = fam_region_map(fam, &larger, 0, &region);
	if (result)
		return result;
	fam_zero((char *)region->base + entry->size, fam_extent(&larger) - entry->size);
	fam_region_close(region);
	return 0;
}

static int resize_locked(struct fam *fam, const char *name, uint64_t size)
{
	struct fam_entry *entry = fam_entry_find(fam, name);
	if (!entry || entry->state != FAM_LIVE)
		return -ENOENT;
	int result = fam_entry_allows(entry, 0);
	if (result == 0 && size > entry->size && entry->kind == FAM_REGION)
		result = grow(fam, entry, size);
	else if (result == 0 && size > entry->size)
		result = -EINVAL;
	if (result)
		return result;
	entry->size = size;
	fam_entry_write(fam, entry);
	return 0;
}

int fam_region_resize(struct fam *fam, const char *name, uint64_t size)
{
	int result = size ? fam_directory_lock(fam) : -EINVAL;
	if (result)
		return result;
	result = resize_locked(fam, name, size);
	fam_directory_unlock(fam);
	return result;
}
