// SPDX-License-Identifier: GPL-2.0-or-later
/* Decode the instructions on standard input, one in each line, their bytes in hexadecimal. */
#include "decode.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
	char text[64];
	while (scanf("%63s", text) == 1) {
		uint8_t code[INSTRUCTION_BYTES];
		size_t count = strlen(text) / 2;
		struct instruction in;
		for (size_t i = 0; i < count; i++)
			sscanf(text + 2 * i, "%2hhx", &code[i]);
		decode(&in, code, count);
		printf("%d %d %d %d %d %d %d %d %d %d\n", in.operation, in.size, (int8_t)in.base,
		       (int8_t)in.index, 1 << in.scale, in.displacement, in.relative,
		       in.short_address, in.segment, (int8_t)in.bit_register);
	}
	return 0;
}
