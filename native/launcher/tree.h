/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All processes below the launcher, traced or not. */
#ifndef LAUNCHER_TREE_H
#define LAUNCHER_TREE_H

#include <stdbool.h>
#include <sys/types.h>

/* Make the launcher the parent of processes below it whose parent ends. */
void tree_begin(void);
bool tree_has(pid_t process);
void tree_kill(int signal);

#endif
