/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tasks (threads) that the launcher traces. */
#ifndef LAUNCHER_TASK_H
#define LAUNCHER_TASK_H

#include <stdbool.h>
#include <sys/types.h>

struct task {
	struct task *next;
	pid_t task, group; /* `group`: the task's process */
	bool began; /* the launcher knows whether the task begins a process */
	bool must_say; /* at the next stop, the task must send SAYS_PROCESS */
	bool leaves; /* at the next stop, the launcher ceases to trace the task */
};

extern struct task *tasks;

struct task *task_find(pid_t task); /* NULL: not traced */
struct task *task_get(pid_t task); /* add the task if it is not traced yet */
void task_forget(struct task *);
bool task_is_process(pid_t group); /* a task of the process is traced */
pid_t task_status(pid_t task, const char *key); /* a number of /proc/TASK/status, or 0 */

#endif
