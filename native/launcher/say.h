/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to the plugin (says.h) on behalf of processes that the launcher traces. */
#ifndef LAUNCHER_SAY_H
#define LAUNCHER_SAY_H

#include <stdbool.h>
#include <sys/types.h>

/* Have the stopped task, which is about to continue in user mode, run `cpuid` with SAYS_PROCESS.
 * Return false if the task has stopped for another reason, or has ended, before that; `*status` is
 * then as waitpid(2) returns it. */
bool say_process(pid_t task, pid_t process, int *status);

/* Let the task, which is in the middle of execve(2), finish the system call. The result is as
 * before. */
bool say_after_call(pid_t task, int *status);

/* Send SAYS_EXIT for a process that has ended. */
void say_exit(pid_t process);

#endif
