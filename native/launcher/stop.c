// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "stop.h"

#include "keep.h"
#include "release.h"
#include "say.h"
#include "task.h"

#include <linux/kcmp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool begun;

bool stop_has_begun(void)
{
	return begun;
}

/* A kernel without kcmp(2) says that the memory is not shared. */
static bool shares_memory(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

/* The task is new: a thread, or a process, which says so unless vfork(2) gave it the memory of its
 * parent. The launcher may see the task's stop before the parent's. */
static void begins(struct task *known, pid_t parent)
{
	if (known->began)
		return;
	known->began = true;
	known->leaves = release_has(known->group);
	known->must_say = known->group == known->task && !shares_memory(known->task, parent);
}

static void has_child(pid_t parent, pid_t child)
{
	if (task_status(child, "TracerPid") == getpid())
		begins(task_get(child), parent);
}

/* After execve the process has one thread, the group's first. The other threads do not report their
 * ends. */
static void replaced(pid_t task)
{
	for (struct task *other = tasks, *next; other; other = next) {
		next = other->next;
		if (other->group == task && other->task != task)
			task_forget(other);
	}
}

static void is_gone(pid_t task)
{
	struct task *known = task_find(task);
	if (!known)
		return;
	pid_t process = known->group;
	task_forget(known);
	if (!task_is_process(process) && !release_has(process))
		say_exit(process);
}

/* Let the stopped task run, with `signal`; in a group stop, only listen. */
static void go_on(struct task *known, int signal, bool listens)
{
	if (known->leaves)
		release_detach(known, signal);
	else
		ptrace(listens ? PTRACE_LISTEN : PTRACE_CONT, known->task, 0, signal);
}

static bool is_group_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* Return false if the task is in another stop now, or has ended; see say_process(). */
static bool say(struct task *known, bool in_call, int *status)
{
	return (!in_call || say_after_call(known->task, status)) &&
	       say_process(known->task, known->group, status);
}

/* An event of ptrace(2), at the end of which the task goes on. Return false if another stop has
 * come. */
static bool event(const char *folder, struct task *known, int *status)
{
	int kind = *status >> 16;
	unsigned long other = 0;
	ptrace(PTRACE_GETEVENTMSG, known->task, 0, &other);
	if (kind == PTRACE_EVENT_EXEC) {
		replaced(known->task);
		known->began = begun = true;
		return say(known, true, status);
	}
	if (kind == PTRACE_EVENT_EXIT)
		keep_maps(folder, known->group, known->task);
	else if (kind == PTRACE_EVENT_STOP)
		begins(known, task_status(known->task, "PPid"));
	else
		has_child(known->task, (pid_t)other);
	if (!known->must_say || kind != PTRACE_EVENT_STOP)
		return true;
	known->must_say = false;
	return say(known, false, status);
}

/* Any task may be the process's last: tasks that exit_group() ends need not stop at their end. So
 * each task's end keeps the maps. */
static bool stopped(const char *folder, struct task *known, int *status)
{
	int signal = WSTOPSIG(*status), kind = *status >> 16;
	if (kind && !event(folder, known, status))
		return false;
	go_on(known, kind ? 0 : signal, kind == PTRACE_EVENT_STOP && is_group_stop(signal));
	return true;
}

void stop_handle(const char *folder, pid_t task, int status)
{
	while (WIFSTOPPED(status))
		if (stopped(folder, task_get(task), &status))
			return;
	is_gone(task);
}
