// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Make, reserve and resize regions. A new region's zeros are written while its entry has the state
 * FAM_CREATING and the directory is not locked, because that may take long.
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

/* Check that the region can be made; find its offset, which is given for a reserved range. */
static int place(struct fam *fam, const char *name, struct libfam_entry *wanted)
{
	if (wanted->size > fam->size)
		return -ENOSPC;
	if (libfam_entry_find(fam, name))
		return -EEXIST;
	if (fam->damaged)
		return -EUCLEAN;
	if (wanted->kind == FAM_RESERVED)
		return libfam_extent_free(fam, NULL, wanted->offset, libfam_extent(wanted))
			       ? 0
			       : -EBUSY;
	return libfam_extent_find(fam, libfam_extent(wanted), &wanted->offset);
}

static int enter(struct fam *fam, const char *name, struct libfam_entry *wanted)
{
	struct libfam_entry *entry = libfam_entry_unused(fam);
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
	libfam_entry_write(fam, entry);
	*wanted = *entry;
	return 0;
}

static int enter_locked(struct fam *fam, const char *name, struct libfam_entry *wanted)
{
	int result = check_name(name);
	if (result == 0)
		result = wanted->size ? libfam_directory_lock(fam) : -EINVAL;
	if (result)
		return result;
	result = enter(fam, name, wanted);
	libfam_directory_unlock(fam);
	return result;
}

/*
 * Set the final state of a new region: FAM_LIVE, or FAM_FREE. -ESTALE: it was destroyed meanwhile.
 */
static int finish(struct fam *fam, const struct libfam_entry *made, uint32_t state)
{
	int result = libfam_directory_lock(fam);
	if (result)
		return result;
	struct libfam_entry *entry = &fam->table[made->index];
	if (entry->state == FAM_CREATING && entry->identity == made->identity) {
		entry->state = state;
		libfam_entry_write(fam, entry);
	} else {
		result = -ESTALE;
	}
	libfam_directory_unlock(fam);
	return result;
}

int fam_region_create(struct fam *fam, const char *name, uint64_t size, uint32_t mode, int flags,
		      struct fam_region **out)
{
	struct libfam_entry wanted = {
		.state = FAM_CREATING, .kind = FAM_REGION, .mode = mode & 0777, .size = size};
	struct fam_region *region;
	int result = enter_locked(fam, name, &wanted);
	if (result)
		return result;
	result = libfam_region_map(fam, &wanted, 0, &region);
	if (result) {
		(void)finish(fam, &wanted, FAM_FREE); /* report the first error */
		return result;
	}
	if (!(flags & FAM_KEEP))
		libfam_zero(region->base, libfam_extent(&wanted));
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
	struct libfam_entry wanted = {
		.state = FAM_LIVE,
		.kind = FAM_RESERVED,
		.mode = mode & 0777,
		.offset = offset,
		.size = size,
	};
	return offset % FAM_PAGE ? -EINVAL : enter_locked(fam, name, &wanted);
}

/* Write zeros after the old end before the entry includes these bytes. */
static int grow(struct fam *fam, struct libfam_entry *entry, uint64_t size)
{
	struct libfam_entry larger = *entry;
	struct fam_region *region;
	larger.size = size;
	if (fam->damaged)
		return -EUCLEAN;
	if (size > fam->size ||
	    !libfam_extent_free(fam, entry, entry->offset, libfam_extent(&larger)))
		return -ENOSPC;
	int result = libfam_region_map(fam, &larger, 0, &region);
	if (result)
		return result;
	libfam_zero((char *)region->base + entry->size, libfam_extent(&larger) - entry->size);
	fam_region_close(region);
	return 0;
}

static int resize_locked(struct fam *fam, const char *name, uint64_t size)
{
	struct libfam_entry *entry = libfam_entry_find(fam, name);
	if (!entry || entry->state != FAM_LIVE)
		return -ENOENT;
	int result = libfam_entry_allows(entry, 0);
	if (result == 0 && size > entry->size && entry->kind == FAM_REGION)
		result = grow(fam, entry, size);
	else if (result == 0 && size > entry->size)
		result = -EINVAL;
	if (result)
		return result;
	entry->size = size;
	libfam_entry_write(fam, entry);
	return 0;
}

int fam_region_resize(struct fam *fam, const char *name, uint64_t size)
{
	int result = size ? libfam_directory_lock(fam) : -EINVAL;
	if (result)
		return result;
	result = resize_locked(fam, name, size);
	libfam_directory_unlock(fam);
	return result;
}
