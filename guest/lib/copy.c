// SPDX-License-Identifier: GPL-2.0-or-later
/* Copy plain data to and from the pool. */
#include "internal.h"

/* Copy in several stores for tests that kill the writer at each store: they must see torn data. */
#ifdef FAM_STORE_HOOK
#define CHUNK      ((size_t)32)
#define ZERO_CHUNK ((size_t)4096)
#else
#define CHUNK      SIZE_MAX
#define ZERO_CHUNK SIZE_MAX
#endif

static size_t at_most(size_t bytes, size_t limit)
{
	return bytes < limit ? bytes : limit;
}

void libfam_copy_in(void *to, const void *from, size_t bytes)
{
	for (size_t done = 0, part; done < bytes; done += part) {
		part = at_most(bytes - done, CHUNK);
		FAM_STORES();
		memcpy((char *)to + done, (const char *)from + done, part);
	}
	FAM_STORES();
	fam_writeback(to, bytes);
}

void libfam_copy_out(void *to, const void *from, size_t bytes)
{
	fam_invalidate(from, bytes);
	memcpy(to, from, bytes);
}

void libfam_zero(void *to, size_t bytes)
{
	for (size_t done = 0, part; done < bytes; done += part) {
		part = at_most(bytes - done, ZERO_CHUNK);
		FAM_STORES();
		memset((char *)to + done, 0, part);
	}
	fam_flush(to, bytes);
}
