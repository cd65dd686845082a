/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of the directory. It lies at the very end of the pool, which programs without regions
 * reach last. All numbers are little-endian. src/famulus/pool/directory.py reads the same format.
 *
 *   offset in the directory    contents
 *   0                          superblock
 *   FAM_LOCKS                  the directory's lock; the number of slots of the registry that were
 *                              ever used; the sequence number of the last change
 *   FAM_REGISTRY               the registry: FAM_SLOTS slots of one line each
 *   FAM_TABLE                  entries, first copy
 *   FAM_TABLE + size of a copy entries, second copy
 *   the last page of the pool  superblock, second copy
 *
 * Superblocks and entries are plain data, guarded by the lock, in two copies with a checksum each.
 * A change writes the first copy, then the second. Of two valid copies the one with the higher
 * sequence number counts: an interrupted change has happened completely or not at all, and a
 * damaged copy is repaired from the other copy. The entries alone determine which pages are free.
 */
#ifndef FAMULUS_LAYOUT_H
#define FAMULUS_LAYOUT_H

#include <famulus/region.h>
#include <famulus/sync.h>

#define FAM_PAGE     4096ULL
#define FAM_MAGIC    0x31534c554d4146ULL /* "FAMULS1" and a NUL */
#define FAM_VERSION  1
#define FAM_SLOTS    512
#define FAM_POOL_MIN (256ULL << 10)

#define FAM_LOCKS    4096
#define FAM_REGISTRY 8192
#define FAM_TABLE    (FAM_REGISTRY + FAM_SLOTS * 64)

/*
 * One entry for each 64 KiB of the pool, from 64 to 1024, in multiples of 32, which fill 3 pages.
 */
#define FAM_ENTRIES_MIN 64
#define FAM_ENTRIES_MAX 1024

struct libfam_super {
	uint64_t magic;
	uint32_t version;
	uint32_t checksum; /* CRC-32 of the line with this field 0 */
	uint64_t pool; /* bytes */
	uint32_t entries;
	uint32_t dead_after; /* milliseconds */
	uint64_t unused[4];
};

/* A member's slot; only locked instructions access it. */
struct libfam_slot {
	uint64_t state; /* generation << 1 | 1 while a member has the slot */
	uint64_t beats;
	uint64_t described; /* the generation that the members below describe */
	uint64_t node, pid;
	uint64_t start; /* start time of the process: clock ticks after boot, proc(5) */
	uint64_t boot; /* hash of the boot and the pid namespace that the pid belongs to */
	uint64_t joined;
};

enum libfam_state { FAM_FREE = 0, FAM_CREATING = 1, FAM_LIVE = 2 };

struct libfam_entry {
	uint32_t magic;
	uint32_t checksum; /* CRC-32 of the entry with this field 0 */
	uint64_t sequence; /* number of the change that wrote the entry */
	uint32_t index;
	uint32_t state;
	uint32_t kind, mode, uid, gid;
	uint64_t offset, size;
	uint64_t creator; /* id of the member that is making the region */
	uint64_t created; /* seconds since 1970 */
	uint64_t identity; /* higher than any sequence number at the time of creation */
	uint32_t length;
	uint32_t unused;
	char name[FAM_NAME_MAX + 1];
	uint64_t unused2[5];
};

#define FAM_ENTRY_MAGIC 0x47455246U /* "FREG" */

/* The words at FAM_LOCKS, for locked instructions. */
struct libfam_locks {
	struct fam_mutex directory;
	uint64_t slots_used;
	uint64_t sequence; /* number of the last change; no two changes share a number, even if one
			      was lost */
	uint64_t unused[6];
};

_Static_assert(sizeof(struct libfam_super) == 64, "a superblock is a line");
_Static_assert(sizeof(struct libfam_slot) == 64, "a slot is a line");
_Static_assert(sizeof(struct libfam_entry) == 384, "an entry is six lines");
_Static_assert(sizeof(struct fam_mutex) == 64, "a mutex is a line");
_Static_assert(sizeof(struct fam_rwlock) == 512, "a reader-writer lock is eight lines");

static inline uint32_t libfam_entries(uint64_t pool)
{
	uint64_t wanted = pool >> 16;
	if (wanted < FAM_ENTRIES_MIN)
		return FAM_ENTRIES_MIN;
	return wanted > FAM_ENTRIES_MAX ? FAM_ENTRIES_MAX : (uint32_t)wanted & ~31U;
}

static inline uint64_t libfam_copy_bytes(uint64_t pool)
{
	return libfam_entries(pool) * sizeof(struct libfam_entry);
}

/* Bytes at the pool's start that no region gets. */
static inline uint64_t libfam_raw_bytes(uint64_t pool)
{
	return pool / FAM_RAW_PART / FAM_PAGE * FAM_PAGE;
}

/* Bytes of the directory in a pool of `pool` bytes. */
static inline uint64_t libfam_directory_bytes(uint64_t pool)
{
	return FAM_TABLE + 2 * libfam_copy_bytes(pool) + FAM_PAGE;
}

#endif
