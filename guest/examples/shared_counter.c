// SPDX-License-Identifier: GPL-2.0-or-later
/* A counter for all nodes: run shared_counter [TIMES] on any number of nodes at once. */
#include <famulus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char *argv[])
{
	struct fam *fam;
	struct fam_region *region;
	long times = argc > 1 ? atol(argv[1]) : 100000;
	int result = fam_open(&fam, NULL);
	if (result == 0)
		result = fam_region_obtain(fam, "shared_counter", FAM_LINE, 0660, &region);
	if (result) {
		fprintf(stderr, "shared_counter: %s\n", strerror(-result));
		return 1;
	}
	uint64_t *counter = region->base; /* a new region is zeros */
	for (long i = 0; i < times; i++)
		fam_fetch_add64(counter, 1);
	printf("node %d added %ld; the counter is %llu\n", fam_node(fam), times,
	       (unsigned long long)fam_load64(counter));
	fam_region_close(region);
	fam_close(fam);
	return 0;
}
