// SPDX-License-Identifier: GPL-2.0-or-later
/* Act as the CPU of a node that writes events: POOL FOLDER NODE. Reads commands from standard
 * input, and prints a line after each. */
#include "ring.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shared_fabric f;
static struct stream_ring *ring;

static struct stream_event event(void)
{
	struct stream_event made = {.kind = STREAM_LOAD, .size = 8, .node = (uint8_t)f.self};
	return made;
}

static void put(unsigned count, bool waits)
{
	for (unsigned i = 0; i < count; i++) {
		struct stream_event one = event();
		if (waits)
			ring_wait(&f, ring);
		ring_put(&f, ring, &one);
	}
}

/* Draw a number, and stop or die before the event is published. */
static void draw(int end)
{
	struct stream_event one = event();
	__atomic_store_n(&ring->draws, 1, __ATOMIC_SEQ_CST);
	one.seq = __atomic_fetch_add(&f.control->seq, 1, __ATOMIC_SEQ_CST);
	puts("drawn");
	fflush(stdout);
	raise(end);
	ring->event[ring->head & (ring->capacity - 1)] = one;
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->draws, 0, __ATOMIC_RELEASE);
}

static void obey(const char *verb, unsigned count)
{
	if (!strcmp(verb, "put"))
		put(count, true);
	else if (!strcmp(verb, "hasty"))
		put(count, false);
	else if (!strcmp(verb, "stop"))
		draw(SIGSTOP);
	else if (!strcmp(verb, "die"))
		draw(SIGKILL);
}

int main(int argc, char *argv[])
{
	char verb[16];
	unsigned count;
	(void)argc;
	if (shared_open(&f, argv[1], argv[2], atoi(argv[3])))
		return 1;
	f.control->node[f.self].pid = (uint64_t)getpid();
	ring = ring_open(&f, f.self, 0);
	puts(ring ? "ready" : "no ring");
	fflush(stdout);
	while (scanf("%15s %u", verb, &count) == 2) {
		obey(verb, count);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
