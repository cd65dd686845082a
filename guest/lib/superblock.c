// SPDX-License-Identifier: GPL-2.0-or-later
/* The superblock: the mark of a directory, in two copies. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

static struct libfam_super *copy_of(struct fam *fam, int copy)
{
	uint64_t at = copy ? libfam_directory_bytes(fam->size) - FAM_PAGE : 0;
	return (struct libfam_super *)(fam->directory + at);
}

static uint32_t checksum(struct libfam_super super)
{
	super.checksum = 0;
	return libfam_crc32(&super, sizeof(super));
}

static bool is_valid(const struct fam *fam, const struct libfam_super *super)
{
	return super->magic == FAM_MAGIC && super->version == FAM_VERSION &&
	       super->pool == fam->size && super->entries == libfam_entries(fam->size) &&
	       super->dead_after && super->checksum == checksum(*super);
}

static bool is_blank(const void *start, size_t bytes)
{
	const char *byte = start;
	fam_invalidate(start, bytes);
	return !*byte && memcmp(byte, byte + 1, bytes - 1) == 0;
}

/* Use the first valid copy; return its number, or -1. */
static int take_valid(struct fam *fam)
{
	struct libfam_super super;
	for (int copy = 0; copy < 2; copy++) {
		libfam_copy_out(&super, copy_of(fam, copy), sizeof(super));
		if (!is_valid(fam, &super))
			continue;
		__atomic_store_n(&fam->dead_after, (int)super.dead_after, __ATOMIC_RELAXED);
		return copy;
	}
	return -1;
}

/*
 * Return whether the pool can get a directory: the place of the entries and of the second
 * superblock is blank, and the first superblock is blank or incomplete. The first superblock is
 * written first, so an incomplete first superblock comes from a process that died.
 */
static bool is_unused(struct fam *fam)
{
	struct libfam_super super;
	uint64_t rest = libfam_directory_bytes(fam->size) - FAM_TABLE;
	libfam_copy_out(&super, copy_of(fam, 0), sizeof(super));
	return (!super.magic || super.magic == FAM_MAGIC) &&
	       is_blank(fam->directory + FAM_TABLE, rest);
}

int libfam_super_peek(struct fam *fam)
{
	if (take_valid(fam) >= 0)
		return 0;
	if (is_unused(fam))
		return 1;
	return take_valid(fam) >= 0 ? 0 : -EUCLEAN; /* another process may have made it meanwhile */
}

static uint32_t wanted_dead_after(void)
{
	const char *given = getenv("FAMULUS_DEAD_AFTER_MS");
	int wanted = given ? atoi(given) : 0;
	return wanted > 0 ? (uint32_t)wanted : FAM_DEAD_AFTER_MS;
}

static void make(struct fam *fam)
{
	struct libfam_super super = {
		.magic = FAM_MAGIC,
		.version = FAM_VERSION,
		.pool = fam->size,
		.entries = libfam_entries(fam->size),
		.dead_after = wanted_dead_after(),
	};
	super.checksum = checksum(super);
	for (int copy = 0; copy < 2; copy++)
		libfam_copy_in(copy_of(fam, copy), &super, sizeof(super));
	__atomic_store_n(&fam->dead_after, (int)super.dead_after, __ATOMIC_RELAXED);
}

static void mend(struct fam *fam, int good)
{
	struct libfam_super super, other;
	libfam_copy_out(&super, copy_of(fam, good), sizeof(super));
	libfam_copy_out(&other, copy_of(fam, !good), sizeof(other));
	if (memcmp(&super, &other, sizeof(super)) != 0)
		libfam_copy_in(copy_of(fam, !good), &super, sizeof(super));
}

int libfam_super_ensure(struct fam *fam)
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
