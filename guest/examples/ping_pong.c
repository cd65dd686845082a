// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two nodes notify each other: ping_pong pong [ROUNDS] on one node, then ping_pong ping [ROUNDS] on
 * another.
 */
#include <famulus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT 60000 /* milliseconds */

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Wait until the event's count is even (`turn` 0) or odd (1). */
static int wait_for(struct fam *fam, struct fam_event *event, uint64_t turn)
{
	uint64_t seen;
	int result = 0;
	while (result == 0 && (seen = fam_event_read(event)) % 2 != turn)
		result = fam_event_wait(fam, event, seen, TIMEOUT);
	return result;
}

static int play(struct fam *fam, struct fam_event *event, uint64_t turn, long rounds)
{
	int result = 0;
	for (long i = 0; result == 0 && i < rounds; i++) {
		result = wait_for(fam, event, turn);
		if (result == 0)
			result = fam_event_notify(fam, event);
	}
	return result;
}

int main(int argc, char *argv[])
{
	struct fam *fam;
	struct fam_region *region;
	long rounds = argc > 2 ? atol(argv[2]) : 1000;
	uint64_t turn = argc > 1 && strcmp(argv[1], "pong") == 0;
	int result = fam_open(&fam, NULL);
	if (result == 0)
		result = fam_region_obtain(fam, "ping_pong", sizeof(struct fam_event), 0660,
					   &region);
	double start = seconds();
	if (result == 0)
		result = play(fam, region->base, turn, rounds);
	if (result) {
		fprintf(stderr, "ping_pong: %s\n", strerror(-result));
		return 1;
	}
	printf("%ld rounds, %.0f microseconds each, by %s\n", rounds,
	       1e6 * (seconds() - start) / (double)rounds,
	       fam_has_doorbell(fam) ? "doorbell" : "polling");
	fam_region_close(region);
	fam_close(fam);
	return 0;
}
