// SPDX-License-Identifier: GPL-2.0-or-later
/* The counterpart of hello_fabric: load and print the greeting that another node has stored. */
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
		_mm_clflush(pool + i); /* the line in this node's cache may be old */
	printf("%.*s\n", SIZE, pool);
	return 0;
}
