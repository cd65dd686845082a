// SPDX-License-Identifier: GPL-2.0-or-later
/* The superblock: is there a directory in this pool? */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

static struct fam_super *copy_of(struct fam *fam, int copy)
{
	uint64_t at = copy ? fam_directory_bytes(fam->size) - FAM_PAGE : 0;
	return (struct fam_super *)(fam->directory + at);
}

static uint32_t checksum(struct fam_super super)
{
	super.checksum = 0;
	return fam_crc32(&super, sizeof(super));
}

static bool is_valid(const struct fam *fam, const struct fam_super *super)
{
	return super->magic == FAM_MAGIC && super->version == FAM_VERSION &&
	       super->pool == fam->size && super->entries == fam_entries(fam->size) &&
	       super->dead_after && super->checksum == checksum(*super);
}

static bool is_blank(const void *start, size_t bytes)
{
	const char *byte = start;
	fam_invalidate(start, bytes);
	return !*byte && memcmp(byte, byte + 1, bytes - 1) == 0;
}

/* Take the first copy that is valid; returns which, or -1. */
static int take_valid(struct fam *fam)
{
	struct fam_super super;
	for (int copy = 0; copy < 2; copy++) {
		fam_copy_out(&super, copy_of(fam, copy), sizeof(super));
		if (!is_valid(fam, &super))
			continue;
		__atomic_store_n(&fam->dead_after, (int)super.dead_after, __ATOMIC_RELAXED);
		return copy;
	}
	return -1;
}

/*
 * Nothing lies where entries and the second superblock would, and the first one is empty, or begun by
 * somebody who died: it is written before all else.
 */
static bool is_unused(struct fam *fam)
{
	struct fam_super super;
	uint64_t rest = fam_directory_bytes(fam->size) - FAM_TABLE;
	fam_copy_out(&super, copy_of(fam, 0), sizeof(super));
	return (!super.magic || super.magic == FAM_MAGIC) &&
	       is_blank(fam->directory + FAM_TABLE, rest);
}

int fam_super_peek(struct fam *fam)
{
	if (take_valid(fam) >= 0)
		return 0;
	if (is_unused(fam))
		return 1;
	return take_valid(fam) >= 0 ? 0 : -EUCLEAN; /* it may have been made between the looks */
}

static uint32_t wanted_dead_after(void)
{
	const char *said = getenv("FAMULUS_DEAD_AFTER_MS");
	int wanted = said ? atoi(said) : 0;
	return wanted > 0 ? (uint32_t)wanted : FAM_DEAD_AFTER_MS;
}

static void make(struct fam *fam)
{
	struct fam_super super = {
		.magic = FAM_MAGIC,
		.version = FAM_VERSION,
		.pool = fam->size,
		.entries = fam_entries(fam->size),
		.dead_after = wanted_dead_after(),
	};
	super.checksum = checksum(super);
	for (int copy = 0; copy < 2; copy++)
		fam_copy_in(copy_of(fam, copy), &super, sizeof(super));
	__atomic_store_n(&fam->dead_after, (int)super.dead_after, __ATOMIC_RELAXED);
}

static void mend(struct fam *fam, int good)
{
	struct fam_super super, other;
	fam_copy_out(&super, copy_of(fam, good), sizeof(super));
	fam_copy_out(&other, copy_of(fam, !good), sizeof(other));
	if (memcmp(&super, &other, sizeof(super)) != 0)
		fam_copy_in(copy_of(fam, !good), &super, sizeof(super));
}

int fam_super_ensure(struct fam *fam)
{
	int good = take_valid(fam);
	if (good >= 0)
		mend(fam, good);
	else if (is_unused(fam))
		make(fam);
	else
		return -EUCLEAN;
	return 0;
}
