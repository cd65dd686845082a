// SPDX-License-Identifier: GPL-2.0-or-later
/* The checksum of superblocks and entries. */
#include "internal.h"

/* The CRC-32 of IEEE 802.3, reflected, as zlib's crc32(). */
uint32_t libfam_crc32(const void *data, size_t bytes)
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
