// SPDX-License-Identifier: GPL-2.0-or-later
/* Act as a node without a machine: POOL FOLDER NODE. Reads commands from standard input, and prints
 * an answer for each. */
#include "line.h"
#include "lock.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shared_fabric f;
static struct shared_view *view;

static void touch(uint64_t at, uint64_t dirty)
{
	lock_line(&f, at / LINE_BYTES, 1);
	line_hold(&f, view, at / LINE_BYTES);
	view->dirty[at / LINE_BYTES] |= dirty;
	unlock_line(&f, at / LINE_BYTES);
}

static uint64_t moved(uint64_t (*move)(struct shared_fabric *, struct shared_view *, uint64_t),
		      uint64_t at)
{
	lock_line(&f, at / LINE_BYTES, 1);
	uint64_t mask = move(&f, view, at / LINE_BYTES);
	unlock_line(&f, at / LINE_BYTES);
	return mask;
}

/* Die in a write-back: the slot has the push, but neither the pool nor another node has the
 * byte. */
static void die(uint64_t at, uint8_t value)
{
	lock_line(&f, at / LINE_BYTES, 1);
	struct shared_slot *slot = shared_slot(&f, at / LINE_BYTES);
	slot->line = at / LINE_BYTES;
	slot->data[at % LINE_BYTES] = value;
	memcpy(slot->old, f.pool + at / LINE_BYTES * LINE_BYTES, LINE_BYTES);
	__atomic_store_n(&slot->mask, line_mask(at % LINE_BYTES, 1), __ATOMIC_RELEASE);
	_exit(0);
}

static unsigned long long obey(const char *verb, uint64_t at, uint8_t value)
{
	if (!strcmp(verb, "store") || !strcmp(verb, "unseen"))
		view->image[at] = value;
	if (!strcmp(verb, "store"))
		touch(at, line_mask(at % LINE_BYTES, 1));
	if (!strcmp(verb, "load"))
		touch(at, 0);
	if (!strcmp(verb, "write_back"))
		return moved(line_write_back, at);
	if (!strcmp(verb, "drop"))
		return moved(line_drop, at);
	if (!strcmp(verb, "all"))
		return sweep_lines(&f, view, 1, value);
	if (!strcmp(verb, "die"))
		die(at, value);
	return view->image[at];
}

int main(int count, char **arguments)
{
	char verb[16];
	unsigned long long at, value;
	if (count != 4 || shared_open(&f, arguments[1], arguments[2], atoi(arguments[3])))
		return 2;
	view = shared_view(&f, f.self);
	if (!view)
		return 3;
	while (scanf("%15s %llu %llu", verb, &at, &value) == 3) {
		printf("%llu\n", obey(verb, at, (uint8_t)value));
		fflush(stdout);
	}
	return 0;
}
