/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory as it lies in the pool, at its very end, where programs that know nothing of it come
 * last. All numbers are little-endian. src/famulus/pool/directory.py reads the same.
 *
 *   bytes from its start       what
 *   0                          superblock
 *   FAM_LOCKS                  the directory's lock; how many slots of the registry were used; the
 *                              sequence of the last change
 *   FAM_REGISTRY               the registry: FAM_SLOTS slots, a line each
 *   FAM_TABLE                  entries, first copy
 *   FAM_TABLE + size of a copy entries, second copy
 *   the last page of the pool  superblock, second copy
 *
 * Superblocks and entries are plain data, guarded by the lock, in two copies with a checksum each. A
 * change writes the first copy, then the second. Of two valid ones the one with the higher sequence
 * counts; so a change that was cut short has happened or has not, and one damaged copy is mended from
 * the other. Which pages are free follows from the entries: there is nothing else to keep right.
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

/* Entries come in multiples of 32, which fill 3 pages; one for each 64 KiB, from 64 to 1024. */
#define FAM_ENTRIES_MIN 64
#define FAM_ENTRIES_MAX 1024

struct fam_super {
	uint64_t magic;
	uint32_t version;
	uint32_t checksum; /* CRC-32 of the line with this field 0 */
	uint64_t pool; /* bytes */
	uint32_t entries;
	uint32_t dead_after; /* milliseconds */
	uint64_t unused[4];
};

/* A member's slot; touched by locked instructions only. */
struct fam_slot {
	uint64_t state; /* generation << 1 | 1 if a member lives in it */
	uint64_t beats;
	uint64_t described; /* the generation that the rest is about */
	uint64_t node, pid;
	uint64_t start; /* of the process: clock ticks after boot, proc(5) */
	uint64_t boot; /* which boot and pid namespace the pid is of */
	uint64_t joined;
};

enum fam_state { FAM_FREE = 0, FAM_CREATING = 1, FAM_LIVE = 2 };

struct fam_entry {
	uint32_t magic;
	uint32_t checksum; /* CRC-32 of the entry with this field 0 */
	uint64_t sequence; /* of the change that wrote it */
	uint32_t index;
	uint32_t state;
	uint32_t kind, mode, uid, gid;
	uint64_t offset, size;
	uint64_t creator; /* the member that is making it */
	uint64_t created; /* seconds since 1970 */
	uint64_t identity; /* higher than any sequence when it was made */
	uint32_t length;
	uint32_t unused;
	char name[FAM_NAME_MAX + 1];
	uint64_t unused2[5];
};

#define FAM_ENTRY_MAGIC 0x47455246U /* "FREG" */

/* What is locked at FAM_LOCKS. */
struct fam_locks {
	struct fam_mutex directory;
	uint64_t slots_used;
	uint64_t sequence; /* of the last change; never given twice, even to one that was lost */
	uint64_t unused[6];
};

_Static_assert(sizeof(struct fam_super) == 64, "a superblock is a line");
_Static_assert(sizeof(struct fam_slot) == 64, "a slot is a line");
_Static_assert(sizeof(struct fam_entry) == 384, "an entry is six lines");
_Static_assert(sizeof(struct fam_mutex) == 64, "a mutex is a line");
_Static_assert(sizeof(struct fam_rwlock) == 512, "a reader-writer lock is eight lines");

static inline uint32_t fam_entries(uint64_t pool)
{
	uint64_t wanted = pool >> 16;
	if (wanted < FAM_ENTRIES_MIN)
		return FAM_ENTRIES_MIN;
	return wanted > FAM_ENTRIES_MAX ? FAM_ENTRIES_MAX : (uint32_t)wanted & ~31U;
}

static inline uint64_t fam_copy_bytes(uint64_t pool)
{
	return fam_entries(pool) * sizeof(struct fam_entry);
}

/* Bytes at the pool's beginning that are never given to a region. */
static inline uint64_t fam_raw_bytes(uint64_t pool)
{
	return pool / FAM_RAW_PART / FAM_PAGE * FAM_PAGE;
}

/* Bytes of the directory of a pool of `pool` bytes. */
static inline uint64_t fam_directory_bytes(uint64_t pool)
{
	return FAM_TABLE + 2 * fam_copy_bytes(pool) + FAM_PAGE;
}

#endif
