// SPDX-License-Identifier: GPL-2.0-or-later
/* Map and unmap a region. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Allocate a handle and map the region. */
int libfam_region_map(struct fam *fam, const struct libfam_entry *entry, int flags,
		      struct fam_region **out)
{
	int protection = flags & FAM_READ_ONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	struct fam_region *region = calloc(1, sizeof(*region));
	if (!region)
		return -ENOMEM;
	void *base = mmap(NULL, libfam_extent(entry), protection, MAP_SHARED, fam->fd,
			  (off_t)entry->offset);
	if (base == MAP_FAILED) {
		int error = errno;
		free(region);
		return -error;
	}
	*region = (struct fam_region){
		.base = base,
		.size = entry->size,
		.offset = entry->offset,
		.fam = fam,
		.identity = entry->identity,
		.index = entry->index,
	};
	memcpy(region->name, entry->name, sizeof(region->name));
	*out = region;
	return 0;
}

void fam_region_close(struct fam_region *region)
{
	if (!region)
		return;
	munmap(region->base, (region->size + FAM_PAGE - 1) & ~(FAM_PAGE - 1));
	free(region);
}
