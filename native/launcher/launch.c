// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * launch FOLDER PROGRAM [ARG...]: run PROGRAM in a node so that the checker can name the program's instructions.
 * The program's processes have the same addresses in each run and node. Each process sends SAYS_PROCESS before its
 * first instruction, and the launcher sends SAYS_EXIT after the process's end (says.h). For each process, FOLDER
 * gets a file named by the process id: the process's name, then its mappings at its end.
 *
 * Exit status: PROGRAM's; 128 + signal if a signal ended PROGRAM; 127 if PROGRAM cannot be run; 126 if there are
 * too many processes.
 *
 * launch --drop: write back and empty the node's caches, so that no line of earlier programs is left.
 */
#define _GNU_SOURCE
#include "../../guest/driver/famulus_uapi.h"
#include "says.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 4096
#define CPUID 0xa20f /* the instruction's two bytes */

struct task {
	pid_t task, group; /* 0: the place is free */
	bool stopped; /* the task has stopped at least once */
	bool must_say; /* at the next stop, the task must send SAYS_PROCESS */
};

static struct task tasks[TASKS];
static const char *folder;
static pid_t program;

static struct task *find(pid_t task)
{
	struct task *unused = NULL;
	for (int i = 0; i < TASKS; i++) {
		if (tasks[i].task == task)
			return &tasks[i];
		if (!tasks[i].task && !unused)
			unused = &tasks[i];
	}
	if (!unused) {
		fputs("launch: too many processes\n", stderr);
		exit(126);
	}
	*unused = (struct task){.task = task};
	return unused;
}

static pid_t group_of(pid_t task)
{
	char path[64], line[256];
	int group = task;
	snprintf(path, sizeof(path), "/proc/%d/status", task);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &group) == 1)
			break;
	if (file)
		fclose(file);
	return group;
}

static bool has_members(pid_t group)
{
	for (int i = 0; i < TASKS; i++)
		if (tasks[i].task && tasks[i].group == group)
			return true;
	return false;
}

static void copy(const char *path, FILE *to)
{
	char part[4096];
	size_t bytes;
	FILE *from = fopen(path, "r");
	while (from && (bytes = fread(part, 1, sizeof(part), from)))
		fwrite(part, 1, bytes, to);
	if (from)
		fclose(from);
}

/* Write the process's name and memory map into its file in `folder`. `task` is a task of the process whose memory
 * is still mapped. */
static void keep_maps(pid_t process, pid_t task)
{
	char path[4096], from[64];
	snprintf(path, sizeof(path), "%s/%d", folder, process);
	FILE *file = fopen(path, "w");
	if (!file)
		return;
	snprintf(from, sizeof(from), "/proc/%d/comm", process);
	copy(from, file);
	snprintf(from, sizeof(from), "/proc/%d/maps", task);
	copy(from, file);
	fclose(file);
}

static bool step(pid_t task)
{
	int status;
	if (ptrace(PTRACE_SINGLESTEP, task, 0, 0) || waitpid(task, &status, __WALL) != task)
		return false;
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

/* Have the stopped task, which is about to continue in user mode, run `cpuid` with SAYS_PROCESS. */
static void send_process(pid_t task, pid_t process)
{
	struct user_regs_struct before, message;
	errno = 0;
	if (ptrace(PTRACE_GETREGS, task, 0, &before))
		return;
	long code = ptrace(PTRACE_PEEKTEXT, task, before.rip, 0);
	if (errno)
		return;
	message = before;
	message.rax = SAYS_PROCESS;
	message.rbx = message.rcx = (unsigned)process;
	message.orig_rax = (unsigned long long)-1;
	if (!ptrace(PTRACE_POKETEXT, task, before.rip, (code & ~0xffffL) | CPUID)) {
		ptrace(PTRACE_SETREGS, task, 0, &message);
		step(task);
		ptrace(PTRACE_POKETEXT, task, before.rip, code);
	}
	ptrace(PTRACE_SETREGS, task, 0, &before);
}

static void send_exit(pid_t process)
{
	unsigned a = SAYS_EXIT, b = (unsigned)process, c = b, d = 0;
	__asm__ volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
}

/* A new task may have ended before the launcher sees the stop of the task's parent. */
static bool exists(pid_t task)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d", task);
	return !access(path, F_OK);
}

static void begins(pid_t task, bool shares_memory)
{
	struct task *known = find(task);
	known->group = group_of(task);
	known->must_say = !shares_memory;
}

/* Write the file at the end of each task, because any task may be the process's last: tasks that exit_group()
 * ends need not stop here. */
static void ends(pid_t task)
{
	struct task *known = find(task);
	keep_maps(known->group ? known->group : task, task);
}

static void is_gone(pid_t task)
{
	struct task *known = find(task);
	pid_t group = known->group ? known->group : task;
	known->task = 0;
	if (!has_members(group))
		send_exit(group);
	known->group = 0;
}

/* After execve the process has one thread, the group's first. */
static void replaced(pid_t task)
{
	for (int i = 0; i < TASKS; i++)
		if (tasks[i].group == task && tasks[i].task != task)
			tasks[i].task = 0;
	find(task)->group = task;
	if (step(task))
		send_process(task, task);
}

/* Return the signal with which the task continues. */
static int stopped(pid_t task, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long other = 0;
	struct task *known = find(task);
	ptrace(PTRACE_GETEVENTMSG, task, 0, &other);
	if (event == PTRACE_EVENT_EXEC)
		replaced(task);
	else if (event == PTRACE_EVENT_EXIT)
		ends(task);
	else if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		  event == PTRACE_EVENT_CLONE) &&
		 exists((pid_t)other))
		begins((pid_t)other, event != PTRACE_EVENT_FORK);
	if (event)
		return 0;
	if (!known->stopped && signal == SIGSTOP) { /* the first stop of a new task */
		known->stopped = true;
		if (!known->group)
			begins(task, group_of(task) != task);
		if (known->must_say)
			send_process(task, known->group);
		known->must_say = false;
		return 0;
	}
	return signal == SIGTRAP ? 0 : signal;
}

static int follow(void)
{
	int status, result = 127;
	pid_t task;
	while ((task = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_CONT, task, 0, stopped(task, status));
			continue;
		}
		is_gone(task);
		if (task == program)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return result;
}

static void run(char *argv[])
{
	personality(ADDR_NO_RANDOMIZE);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	execvp(argv[0], argv);
	fprintf(stderr, "launch: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void pass_on(int signal)
{
	kill(program, signal);
}

static int drop_caches(void)
{
	int device = open("/dev/fam0", O_RDWR);
	if (device >= 0 && !ioctl(device, FAMULUS_WBINVD))
		return 0;
	perror("launch: /dev/fam0");
	return 1;
}

int main(int argc, char *argv[])
{
	int status;
	if (argc == 2 && !strcmp(argv[1], "--drop"))
		return drop_caches();
	if (argc < 3) {
		fputs("usage: launch FOLDER PROGRAM [ARG...]\n", stderr);
		return 2;
	}
	folder = argv[1];
	program = fork();
	if (program == 0)
		run(argv + 2);
	if (waitpid(program, &status, 0) != program || !WIFSTOPPED(status))
		return 127;
	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	*find(program) = (struct task){.task = program, .group = program, .stopped = true};
	ptrace(PTRACE_SETOPTIONS, program, 0,
	       PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		       PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, program, 0, 0);
	return follow();
}
