// SPDX-License-Identifier: GPL-2.0-or-later
/* Open the pool: map its directory, join as a member, check the directory. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

static int map_directory(struct fam *fam)
{
	uint64_t bytes = libfam_directory_bytes(fam->size);
	if (fam->size < FAM_POOL_MIN || fam->size % FAM_PAGE)
		return -EINVAL;
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fam->fd,
			   (off_t)(fam->size - bytes));
	if (start == MAP_FAILED)
		return -errno;
	fam->directory = start;
	fam->locks = (struct libfam_locks *)(fam->directory + FAM_LOCKS);
	fam->slots = (struct libfam_slot *)(fam->directory + FAM_REGISTRY);
	fam->table = calloc(libfam_entries(fam->size), sizeof(*fam->table));
	return fam->table ? 0 : -ENOMEM;
}

static int check_directory(struct fam *fam)
{
	int result = libfam_directory_lock(fam);
	if (result == 0)
		libfam_directory_unlock(fam);
	return result;
}

/* Write nothing before libfam_super_peek() has found a directory, or room for one. */
static int start(struct fam *fam, const char *path)
{
	int result = libfam_device_open(fam, path);
	if (result == 0)
		result = map_directory(fam);
	if (result == 0)
		result = libfam_super_peek(fam);
	if (result >= 0)
		result = libfam_join(fam);
	return result ? result : check_directory(fam);
}

int fam_open(struct fam **out, const char *path)
{
	struct fam *fam = calloc(1, sizeof(*fam));
	if (!fam)
		return -ENOMEM;
	fam->dead_after = FAM_DEAD_AFTER_MS;
	int result = start(fam, path);
	if (result)
		fam_close(fam);
	else
		*out = fam;
	return result;
}

void fam_close(struct fam *fam)
{
	if (!fam)
		return;
	libfam_leave(fam);
	if (fam->directory)
		munmap(fam->directory, libfam_directory_bytes(fam->size));
	libfam_device_close(fam);
	free(fam->table);
	free(fam);
}

uint64_t fam_size(const struct fam *fam)
{
	return fam->size;
}

int fam_node(const struct fam *fam)
{
	return fam->node;
}

uint64_t fam_id(const struct fam *fam)
{
	return fam->id;
}

int fam_dead_after(const struct fam *fam)
{
	return __atomic_load_n(&fam->dead_after, __ATOMIC_RELAXED);
}

int fam_has_doorbell(const struct fam *fam)
{
	return fam->event >= 0;
}
