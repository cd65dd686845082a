// SPDX-License-Identifier: GPL-2.0-or-later
/* A node without a machine: POOL FOLDER NODE, and commands on standard input, an answer each. */
#include "line.h"
#include "lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fam_fabric f;
static struct fam_view *view;

static void touch(uint64_t at, uint64_t dirty)
{
	fam_lock(&f, at / FAM_LINE, 1);
	fam_hold(&f, view, at / FAM_LINE);
	view->dirty[at / FAM_LINE] |= dirty;
	fam_unlock(&f, at / FAM_LINE);
}

static uint64_t moved(uint64_t (*move)(struct fam_fabric *, struct fam_view *, uint64_t),
		      uint64_t at)
{
	fam_lock(&f, at / FAM_LINE, 1);
	uint64_t mask = move(&f, view, at / FAM_LINE);
	fam_unlock(&f, at / FAM_LINE);
	return mask;
}

/* Die in the middle of a write-back: announced, and the pool has it, but no other node. */
static void die(uint64_t at, uint8_t value)
{
	fam_lock(&f, at / FAM_LINE, 1);
	struct fam_slot *slot = fam_slot(&f, at / FAM_LINE);
	slot->line = at / FAM_LINE;
	slot->data[at % FAM_LINE] = value;
	memcpy(slot->old, f.pool + at / FAM_LINE * FAM_LINE, FAM_LINE);
	__atomic_store_n(&slot->mask, fam_bytes(at % FAM_LINE, 1), __ATOMIC_RELEASE);
	_exit(0);
}

static unsigned long long obey(const char *verb, uint64_t at, uint8_t value)
{
	if (!strcmp(verb, "store") || !strcmp(verb, "unseen"))
		view->image[at] = value;
	if (!strcmp(verb, "store"))
		touch(at, fam_bytes(at % FAM_LINE, 1));
	if (!strcmp(verb, "load"))
		touch(at, 0);
	if (!strcmp(verb, "write_back"))
		return moved(fam_write_back, at);
	if (!strcmp(verb, "drop"))
		return moved(fam_drop, at);
	if (!strcmp(verb, "all"))
		return fam_each_line(&f, view, 1, value);
	if (!strcmp(verb, "die"))
		die(at, value);
	return view->image[at];
}

int main(int count, char **arguments)
{
	char verb[16];
	unsigned long long at, value;
	if (count != 4 || fam_open_fabric(&f, arguments[1], arguments[2], atoi(arguments[3])))
		return 2;
	view = fam_view(&f, f.self);
	if (!view)
		return 3;
	while (scanf("%15s %llu %llu", verb, &at, &value) == 3) {
		printf("%llu\n", obey(verb, at, (uint8_t)value));
		fflush(stdout);
	}
	return 0;
}
