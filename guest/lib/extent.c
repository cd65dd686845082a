// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free pages: those that no entry covers. A new region takes the lowest pages that fit, so that the
 * newest region can grow. The first pages of the pool stay free for programs without regions.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

static bool is_used(const struct libfam_entry *entry)
{
	return entry->state == FAM_CREATING || entry->state == FAM_LIVE;
}

static uint64_t end_of_regions(const struct fam *fam)
{
	return fam->size - libfam_directory_bytes(fam->size);
}

bool libfam_extent_free(struct fam *fam, const struct libfam_entry *but, uint64_t offset,
			uint64_t bytes)
{
	if (bytes > end_of_regions(fam) || offset > end_of_regions(fam) - bytes)
		return false;
	for (uint32_t i = 0; i < libfam_entries(fam->size); i++) {
		const struct libfam_entry *entry = &fam->table[i];
		if (entry != but && is_used(entry) && entry->offset < offset + bytes &&
		    offset < entry->offset + libfam_extent(entry))
			return false;
	}
	return true;
}

static int by_offset(const void *one, const void *two)
{
	const struct libfam_entry *const *a = one, *const *b = two;
	return ((*a)->offset > (*b)->offset) - ((*a)->offset < (*b)->offset);
}

static unsigned sorted(struct fam *fam, const struct libfam_entry *used[FAM_ENTRIES_MAX])
{
	unsigned count = 0;
	for (uint32_t i = 0; i < libfam_entries(fam->size); i++)
		if (is_used(&fam->table[i]))
			used[count++] = &fam->table[i];
	qsort(used, count, sizeof(*used), by_offset);
	return count;
}

int libfam_extent_find(struct fam *fam, uint64_t bytes, uint64_t *offset)
{
	const struct libfam_entry *used[FAM_ENTRIES_MAX];
	unsigned count = sorted(fam, used);
	uint64_t end = end_of_regions(fam);
	*offset = libfam_raw_bytes(fam->size);
	for (unsigned i = 0; i < count && used[i]->offset < *offset + bytes; i++)
		if (used[i]->offset + libfam_extent(used[i]) > *offset)
			*offset = used[i]->offset + libfam_extent(used[i]);
	return bytes <= end && *offset <= end - bytes ? 0 : -ENOSPC;
}
