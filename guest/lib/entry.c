// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The directory's entries: two copies in the pool, and one in the memory of each process. All
 * functions need the directory's lock.
 */
#include "internal.h"

#include <errno.h>

#define FAR_OFF (1ULL << 32) /* more changes than can be lost */

enum health { BLANK, GOOD, BAD };

static struct libfam_entry *copy_of(struct fam *fam, int copy, uint32_t index)
{
	char *table = fam->directory + FAM_TABLE + (uint64_t)copy * libfam_copy_bytes(fam->size);
	return (struct libfam_entry *)table + index;
}

static uint32_t checksum(const struct libfam_entry *entry)
{
	struct libfam_entry summed = *entry;
	summed.checksum = 0;
	return libfam_crc32(&summed, sizeof(summed));
}

uint64_t libfam_extent(const struct libfam_entry *entry)
{
	return (entry->size + FAM_PAGE - 1) & ~(FAM_PAGE - 1);
}

/* A valid checksum is no proof: the process that wrote the entry may have had a defect. */
static bool is_sane(const struct fam *fam, const struct libfam_entry *entry)
{
	uint64_t end = fam->size - libfam_directory_bytes(fam->size);
	if (entry->state == FAM_FREE)
		return true;
	return entry->state <= FAM_LIVE && entry->kind <= FAM_RESERVED && entry->length &&
	       entry->length <= FAM_NAME_MAX &&
	       strnlen(entry->name, sizeof(entry->name)) == entry->length &&
	       entry->offset % FAM_PAGE == 0 && entry->offset <= end && entry->size &&
	       entry->size <= end && libfam_extent(entry) <= end - entry->offset;
}

/* Of an entry that was never used, only the first line is read. */
static enum health read_copy(struct fam *fam, int copy, uint32_t index, struct libfam_entry *entry)
{
	static const char zeros[FAM_LINE];
	const struct libfam_entry *there = copy_of(fam, copy, index);
	libfam_copy_out(entry, there, FAM_LINE);
	if (memcmp(entry, zeros, FAM_LINE) == 0)
		return BLANK;
	libfam_copy_out(entry, there, sizeof(*entry));
	if (entry->magic != FAM_ENTRY_MAGIC || entry->index != index ||
	    entry->checksum != checksum(entry) || !is_sane(fam, entry))
		return BAD;
	return GOOD;
}

static void put(struct fam *fam, const struct libfam_entry *entry, uint32_t index)
{
	for (int copy = 0; copy < 2; copy++)
		libfam_copy_in(copy_of(fam, copy, index), entry, sizeof(*entry));
}

/*
 * Return the number of a new change, higher than all numbers before. The entries alone do not
 * suffice: a process that died may have left a change in its node's cache, which reaches the pool
 * later and must not look as new as this change. A stored number that is far off was overwritten by
 * mistake.
 */
static uint64_t next_sequence(struct fam *fam)
{
	uint64_t last = fam_load64(&fam->locks->sequence);
	if (last < fam->sequence || last - fam->sequence > FAR_OFF)
		last = fam->sequence;
	fam_store64(&fam->locks->sequence, last + 1);
	fam->sequence = last + 1;
	return last + 1;
}

void libfam_entry_write(struct fam *fam, struct libfam_entry *entry)
{
	entry->magic = FAM_ENTRY_MAGIC;
	entry->index = (uint32_t)(entry - fam->table);
	entry->sequence = next_sequence(fam);
	entry->checksum = checksum(entry);
	put(fam, entry, entry->index);
}

void libfam_entry_clear(struct fam *fam, uint32_t index)
{
	memset(&fam->table[index], 0, sizeof(fam->table[index]));
	put(fam, &fam->table[index], index);
}

/*
 * Derive the entry from two different copies, and make both copies equal. Writers write the first
 * copy first: a bad copy beside a blank one is a creation that did not happen.
 */
static void settle(struct fam *fam, uint32_t index, struct libfam_entry copy[2],
		   enum health health[2])
{
	struct libfam_entry *entry = &fam->table[index];
	int good = health[0] == GOOD ? 0 : 1;
	if (health[0] == GOOD && health[1] == GOOD)
		good = copy[1].sequence > copy[0].sequence;
	if (health[good] == GOOD) {
		*entry = copy[good];
		put(fam, entry, index);
	} else if (health[0] == BAD && health[1] == BAD) {
		memset(entry, 0, sizeof(*entry));
		entry->state = FAM_DAMAGED;
		fam->damaged++;
	} else {
		libfam_entry_clear(fam, index);
	}
}

static void load_entry(struct fam *fam, uint32_t index)
{
	struct libfam_entry copy[2], *entry = &fam->table[index];
	enum health health[2];
	for (int i = 0; i < 2; i++)
		health[i] = read_copy(fam, i, index, &copy[i]);
	if (health[0] == BLANK && health[1] == BLANK)
		memset(entry, 0, sizeof(*entry));
	else if (health[0] == GOOD && memcmp(&copy[0], &copy[1], sizeof(copy[0])) == 0)
		*entry = copy[0];
	else
		settle(fam, index, copy, health);
	if (fam->sequence < entry->sequence)
		fam->sequence = entry->sequence;
}

/* Free the entry of a region whose maker died before the region was ready. */
static void reap(struct fam *fam, struct libfam_entry *entry)
{
	if (entry->state != FAM_CREATING || !libfam_is_dead(fam, entry->creator))
		return;
	entry->state = FAM_FREE;
	libfam_entry_write(fam, entry);
}

/*
 * Load all entries before the first write, whose sequence number must be higher than all of theirs.
 */
static void load(struct fam *fam)
{
	uint32_t entries = libfam_entries(fam->size);
	fam->damaged = 0;
	fam->sequence = 0;
	for (uint32_t i = 0; i < entries; i++)
		load_entry(fam, i);
	for (uint32_t i = 0; i < entries; i++)
		reap(fam, &fam->table[i]);
}

int libfam_directory_lock(struct fam *fam)
{
	int result = libfam_mutex_lock_any(fam, &fam->locks->directory, 3 * fam->dead_after);
	if (result)
		return result;
	result = libfam_super_ensure(fam);
	if (result)
		libfam_directory_unlock(fam);
	else
		load(fam);
	return result;
}

/* If the lock was lost, this member is dead to the others, and its next calls return -ESTALE. */
void libfam_directory_unlock(struct fam *fam)
{
	(void)fam_mutex_unlock(fam, &fam->locks->directory);
}

struct libfam_entry *libfam_entry_find(struct fam *fam, const char *name)
{
	for (uint32_t i = 0; i < libfam_entries(fam->size); i++) {
		struct libfam_entry *entry = &fam->table[i];
		bool used = entry->state == FAM_CREATING || entry->state == FAM_LIVE;
		if (used && strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

struct libfam_entry *libfam_entry_unused(struct fam *fam)
{
	for (uint32_t i = 0; i < libfam_entries(fam->size); i++)
		if (fam->table[i].state == FAM_FREE)
			return &fam->table[i];
	return NULL;
}
