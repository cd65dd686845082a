// SPDX-License-Identifier: GPL-2.0-or-later
#include "modes.h"
#include "fails.h"
#include "ring.h"
#include "waits.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define TIMEOUT 20 /* seconds until a CPU of the node has looked at the mode */
#define NAP     1000 /* microseconds */

int modes_ask(struct shared_fabric *f, int node, uint64_t mode)
{
	__atomic_store_n(&f->control->node[node].wanted, mode, __ATOMIC_RELEASE);
	return 0;
}

int modes_want(struct shared_fabric *f, int node, uint64_t mode)
{
	modes_ask(f, node, mode);
	for (unsigned naps = 0; naps < TIMEOUT * (1000000 / NAP); naps++) {
		if (__atomic_load_n(&f->control->node[node].does, __ATOMIC_ACQUIRE) == mode)
			return 0;
		usleep(NAP);
	}
	errno = ETIMEDOUT;
	return fails("the node's plugin");
}

int modes_hurry(struct shared_fabric *f, int node, bool hurry)
{
	__atomic_store_n(&f->control->node[node].hurry, hurry, __ATOMIC_RELEASE);
	return 0;
}

/* A reader that waits for a node makes the others wait for that node. */
static unsigned whom_of(struct shared_fabric *f, const struct shared_node *node, unsigned *seconds)
{
	unsigned whom = waits_of(node, seconds);
	unsigned missing =
		whom == WAITS_READER && ring_reader(f) ? (unsigned)f->reader->missing : 0;
	return missing ? missing : whom;
}

static void show(struct shared_fabric *f, int k)
{
	const struct shared_node *node = &f->control->node[k];
	unsigned seconds, whom = whom_of(f, node, &seconds);
	printf("%d %d %d %llu %llu %llu %u %u\n", k, (int)(node->state & 255), (int)node->does,
	       (unsigned long long)node->held, (unsigned long long)node->written,
	       (unsigned long long)node->evicted, whom, seconds);
}

int modes_show(struct shared_fabric *f)
{
	for (int k = 1; k <= MAX_NODES; k++)
		if (f->control->node[k].state)
			show(f, k);
	return 0;
}
