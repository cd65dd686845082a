/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Let processes go that another process traces. A task has one tracer (ptrace(2)); so that a
 * debugger, strace or LeakSanitizer works below the launcher, the launcher ceases to trace a
 * process when ptrace(2) is called for the process. A filter (seccomp_unotify(2)) that all
 * processes below the launcher inherit reports such calls.
 */
#ifndef LAUNCHER_RELEASE_H
#define LAUNCHER_RELEASE_H

#include "task.h"

#include <poll.h>
#include <stdbool.h>

#define RELEASE_MAX 64 /* processes that can be let go at the same time */

/* In the process that will run the program: install the filter. Return the filter's listener, -1 if
 * there is none. */
int release_filter(void);

/* In the launcher: take the listener `fd` of the process. `folder` gets the memory maps of
 * processes let go. */
void release_begin(pid_t process, int fd, const char *folder);

/* The file descriptors to poll, at most RELEASE_MAX + 1. */
unsigned release_poll(struct pollfd *at);
/* One of these is ready. */
void release_handle(void);

/* The task, which `leaves`, has stopped: cease to trace the task, which gets `signal`. */
void release_detach(struct task *, int signal);

/* A process that was let go lives. */
bool release_waits(void);
/* The process was let go, and its end is not yet said. */
bool release_has(pid_t process);

#endif
