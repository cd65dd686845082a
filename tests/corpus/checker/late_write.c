// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	uint64_t ready LINE;
	char text[64] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	char text[64];
	if (me == 1) {
		memset(box->text, 'a', 64);
		keep(box->text, 64);
		swap(&box->ready, 1);
		memset(box->text, 'b', 64);
		keep(box->text, 64);
	} else {
		while (!look(&box->ready))
			usleep(100);
		drop(box->text, 64);
		memcpy(text, box->text, 64);
		printf("%.64s\n", text);
	}
	return 0;
}
