/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the launcher does when a task that it traces stops or ends; see ptrace(2). */
#ifndef LAUNCHER_STOP_H
#define LAUNCHER_STOP_H

#include <stdbool.h>
#include <sys/types.h>

#define STOP_OPTIONS \
	(PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

/* `status` is as waitpid(2) returns it for `task`. Files of processes go to `folder`. */
void stop_handle(const char *folder, pid_t task, int status);

/* A process has begun a program by execve(2). */
bool stop_has_begun(void);

#endif
