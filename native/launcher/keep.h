/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that the launcher leaves behind for the checker. */
#ifndef LAUNCHER_KEEP_H
#define LAUNCHER_KEEP_H

#include <sys/types.h>

/* Write the name and the memory map of `process` into the file of that number in `folder`. `task`
 * is a task of the process whose memory is still mapped. */
void keep_maps(const char *folder, pid_t process, pid_t task);

/* Write how the program ended into the file `path`, NULL: nowhere. `status` is as waitpid(2)
 * returns it. */
enum keep_end { KEEP_ENDED, KEEP_TIME_OUT, KEEP_NOT_BEGUN };
void keep_outcome(const char *path, enum keep_end, int status);

#endif
