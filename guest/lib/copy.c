// SPDX-License-Identifier: GPL-2.0-or-later
/* Plain data on its way to and from the pool. */
#include "internal.h"

/* A test that kills the writer at every store sees torn data only if there are several. */
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

/* The CRC-32 of IEEE 802.3, reflected, as zlib's crc32(). */
uint32_t fam_crc32(const void *data, size_t bytes)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const unsigned char *byte = data;
	uint32_t sum = 0xffffffff;
	for (; bytes; bytes--) {
		sum ^= *byte++;
		sum = (sum >> 4) ^ nibble[sum & 15];
		sum = (sum >> 4) ^ nibble[sum & 15];
	}
	return ~sum;
}

void fam_copy_in(void *to, const void *from, size_t bytes)
{
	for (size_t done = 0, part; done < bytes; done += part) {
		part = at_most(bytes - done, CHUNK);
		FAM_STORES();
		memcpy((char *)to + done, (const char *)from + done, part);
	}
	FAM_STORES();
	fam_writeback(to, bytes);
}

void fam_copy_out(void *to, const void *from, size_t bytes)
{
	fam_invalidate(from, bytes);
	memcpy(to, from, bytes);
}

void fam_zero(void *to, size_t bytes)
{
	for (size_t done = 0, part; done < bytes; done += part) {
		part = at_most(bytes - done, ZERO_CHUNK);
		FAM_STORES();
		memset((char *)to + done, 0, part);
	}
	fam_flush(to, bytes);
}
