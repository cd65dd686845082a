// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"
#include <sys/wait.h>
struct slot {
	volatile uint64_t of[8] LINE;
};

int main(int argc, char *argv[])
{
	struct slot *slot = start(argc, argv);
	pid_t child = fork();
	if (child == 0) {
		slot[me].of[1] = 7;
		flush((void *)&slot[me], 64);
		return 0;
	}
	waitpid(child, NULL, 0);
	slot[me].of[2] = slot[me].of[1] + 1;
	flush((void *)&slot[me], 64);
	meet(0);
	drop((void *)slot, sizeof(*slot) * ((size_t)all + 1));
	printf("%lu %lu\n", slot[1].of[2], slot[2].of[2]);
	return 0;
}
