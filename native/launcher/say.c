// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The task runs two instructions in the place of its own: `cpuid` and `syscall`. PTRACE_SYSEMU
 * stops the task at the system call, which is not executed. Unlike a single step, this stop is no
 * signal: a forced SIGTRAP would reset a SIGTRAP that the program ignores or blocks.
 */
#define _GNU_SOURCE
#include "say.h"

#include "says.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE      0x050fa20fL /* cpuid; syscall */
#define CODE_BITS 0xffffffffL
#define AT_CALL   (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static bool is_event(int status)
{
	return status >> 16 && status >> 16 != PTRACE_EVENT_STOP;
}

/* Run the task to its next system call's begin or end. SIGSTOP, the one signal that stops the task
 * before that, is sent once more afterwards. */
static bool run_to_call(pid_t task, int request, int *status)
{
	bool stops = false;
	do {
		if (ptrace(request, task, 0, 0) || waitpid(task, status, __WALL) != task ||
		    !WIFSTOPPED(*status) || is_event(*status))
			return false;
		stops |= WSTOPSIG(*status) == SIGSTOP;
	} while (WSTOPSIG(*status) != AT_CALL);
	if (stops)
		syscall(SYS_tkill, task, SIGSTOP);
	return true;
}

bool say_after_call(pid_t task, int *status)
{
	*status = 0;
	return run_to_call(task, PTRACE_SYSCALL, status);
}

static bool run_code(pid_t task, pid_t process, const struct user_regs_struct *before, int *status)
{
	struct user_regs_struct message = *before;
	message.rax = SAYS_PROCESS;
	message.rbx = message.rcx = (unsigned)process;
	message.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, task, 0, &message);
	bool done = run_to_call(task, PTRACE_SYSEMU, status);
	message = *before;
	message.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, task, 0, &message);
	return done;
}

bool say_process(pid_t task, pid_t process, int *status)
{
	struct user_regs_struct before;
	unsigned long long mask, all = ~0ULL;
	*status = 0;
	errno = 0;
	if (ptrace(PTRACE_GETREGS, task, 0, &before))
		return true;
	long code = ptrace(PTRACE_PEEKTEXT, task, before.rip, 0);
	if (errno || ptrace(PTRACE_POKETEXT, task, before.rip, (code & ~CODE_BITS) | CODE))
		return true;
	ptrace(PTRACE_GETSIGMASK, task, sizeof(mask), &mask);
	ptrace(PTRACE_SETSIGMASK, task, sizeof(all), &all);
	bool done = run_code(task, process, &before, status);
	ptrace(PTRACE_SETSIGMASK, task, sizeof(mask), &mask);
	ptrace(PTRACE_POKETEXT, task, before.rip, code);
	return done;
}

void say_exit(pid_t process)
{
	unsigned a = SAYS_EXIT, b = (unsigned)process, c = b, d = 0;
	__asm__ volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
}
