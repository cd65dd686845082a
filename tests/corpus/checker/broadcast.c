// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct news {
	volatile uint64_t number LINE;
	char text[256] LINE;
};

int main(int argc, char *argv[])
{
	struct news *news = start(argc, argv);
	char text[256];
	if (me == 1) {
		for (int i = 0; i < 255; i++)
			news->text[i] = (char)('a' + i % 26);
		keep(news->text, sizeof(news->text));
		news->number = 1;
		keep((void *)&news->number, 8);
		return 0;
	}
	await(&news->number, 1);
	drop(news->text, sizeof(news->text));
	memcpy(text, news->text, sizeof(text));
	printf("%.255s\n", text);
	return 0;
}
