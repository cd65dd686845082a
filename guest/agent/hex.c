// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes as hexadecimal text. With sscanf() instead, a third of the code that a clone's request runs
 * would be sscanf().
 */
#include "agent.h"

#include <errno.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_bytes(const char *text, unsigned char *bytes, size_t count, char between)
{
	for (size_t i = 0; i < count; i++) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
		char end = i + 1 < count ? between : '\0';
		if (low < 0 || (end && text[2] != end)) {
			errno = EINVAL;
			return -1;
		}
		bytes[i] = (unsigned char)(high << 4 | low);
		text += between ? 3 : 2;
	}
	return 0;
}
