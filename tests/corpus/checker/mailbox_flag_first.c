// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct box {
	volatile uint64_t flag LINE;
	char text[128] LINE;
};

int main(int argc, char *argv[])
{
	struct box *box = start(argc, argv);
	meet(0);
	if (me == 1) {
		memcpy(box->text, "a message of some length for node 2", 36);
		box->flag = 1;
		keep((void *)&box->flag, 8);
		usleep(20000);
		keep(box->text, sizeof(box->text));
	} else {
		char text[128];
		await(&box->flag, 1);
		drop(box->text, sizeof(box->text));
		memcpy(text, box->text, sizeof(text));
		printf("%.100s\n", text);
	}
	return 0;
}
