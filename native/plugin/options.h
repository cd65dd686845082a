/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of QEMU's -plugin argument: famulus.so,KEY=VALUE,... Pure. */
#ifndef FAMULUS_OPTIONS_H
#define FAMULUS_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *pool; /* the pool's file */
	const char *folder; /* the folder of the fabric's shared files, see shared.h */
	const char *node; /* the node's number */
	const char *ram; /* the start of the path of the file or memfd with the node's RAM */
	const char *memory; /* bytes of the node's RAM */
	const char *check; /* "on": only say that this QEMU loads the plugin */
};

/* Read `count` options, each KEY=VALUE. Returns false and writes a message to standard error if an
 * option is unknown, or if one of the options for a node is missing. */
bool options_read(struct options *, int count, char **arguments);

/* Whether check=on is among the options. */
bool options_check(const struct options *);

#endif
