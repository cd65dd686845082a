// SPDX-License-Identifier: GPL-2.0-or-later
/* Open the pool: map its directory, become a member, see that the directory is right. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

static int map_directory(struct fam *fam)
{
	uint64_t bytes = fam_directory_bytes(fam->size);
	if (fam->size < FAM_POOL_MIN || fam->size % FAM_PAGE)
		return -EINVAL;
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fam->fd,
			   (off_t)(fam->size - bytes));
	if (start == MAP_FAILED)
		return -errno;
	fam->directory = start;
	fam->locks = (struct fam_locks *)(fam->directory + FAM_LOCKS);
	fam->slots = (struct fam_slot *)(fam->directory + FAM_REGISTRY);
	fam->table = calloc(fam_entries(fam->size), sizeof(*fam->table));
	return fam->table ? 0 : -ENOMEM;
}

static int check_directory(struct fam *fam)
{
	int result = fam_directory_lock(fam);
	if (result == 0)
		fam_directory_unlock(fam);
	return result;
}

/* Nothing is written before it is clear that there is, or could be, a directory. */
static int start(struct fam *fam, const char *path)
{
	int result = fam_device_open(fam, path);
	if (result == 0)
		result = map_directory(fam);
	if (result == 0)
		result = fam_super_peek(fam);
	if (result >= 0)
		result = fam_join(fam);
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
	fam_leave(fam);
	if (fam->directory)
		munmap(fam->directory, fam_directory_bytes(fam->size));
	fam_device_close(fam);
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
