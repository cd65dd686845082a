// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first program for fabric-attached memory: store a greeting at the start of the pool. Build it
 * with `make hello_fabric`, run it with sudo (the pool belongs to root), then run hello_fabric_read
 * in another node.
 */
#include <emmintrin.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL "/mnt/fabric_emulation"
#define SIZE 4096

int main(void)
{
	char node[65] = "";
	int fd = open(POOL, O_RDWR);
	char *pool = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || pool == MAP_FAILED) {
		perror(POOL);
		return 1;
	}
	gethostname(node, sizeof(node) - 1);
	snprintf(pool, SIZE, "Hello from %s, process %d, through fabric-attached memory.", node,
		 (int)getpid());
	for (int i = 0; i < SIZE; i += 64)
		_mm_clflush(pool + i); /* to the pool, where other nodes see it */
	puts(pool);
	return 0;
}
