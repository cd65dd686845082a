// SPDX-License-Identifier: GPL-2.0-or-later
/* The twin of hello_fabric: load the greeting that another node has stored, and print it. */
#include <emmintrin.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#define POOL "/mnt/fabric_emulation"
#define SIZE 4096

int main(void)
{
	int fd = open(POOL, O_RDWR);
	const char *pool = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || pool == MAP_FAILED) {
		perror(POOL);
		return 1;
	}
	for (int i = 0; i < SIZE; i += 64)
		_mm_clflush(pool + i); /* what this node may hold is old */
	printf("%.*s\n", SIZE, pool);
	return 0;
}
