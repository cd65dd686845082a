// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals and ptrace(2), as a program uses them: a line for each result, `right` or `wrong`. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int got;

static void receive(int signal)
{
	got = signal;
}

static void show(const char *what, bool right)
{
	printf("%s %s\n", right ? "right" : "wrong", what);
	fflush(stdout);
}

static int end_of(pid_t child)
{
	int status;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void handlers_get_signals(void)
{
	signal(SIGTRAP, receive);
	raise(SIGTRAP);
	show("SIGTRAP sent", got == SIGTRAP);
	got = 0;
	__asm__ volatile("int3");
	show("a breakpoint's SIGTRAP", got == SIGTRAP);
}

static void a_child_stops_and_continues(void)
{
	int status;
	pid_t child = fork();
	if (!child) {
		raise(SIGSTOP);
		_exit(7);
	}
	waitpid(child, &status, WUNTRACED);
	show("SIGSTOP", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(child, SIGCONT);
	waitpid(child, &status, WCONTINUED);
	show("SIGCONT", WIFCONTINUED(status));
	show("the end after SIGCONT", end_of(child) == 7);
}

/* The launcher stops each new process for a moment. */
static void a_child_keeps_the_parents_signals(void)
{
	struct sigaction action;
	sigset_t set;
	signal(SIGTRAP, SIG_IGN);
	pid_t child = fork();
	if (!child) {
		sigaction(SIGTRAP, NULL, &action);
		_exit(action.sa_handler == SIG_IGN);
	}
	show("an ignored SIGTRAP", end_of(child) == 1);
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child = fork();
	if (!child) {
		sigprocmask(0, NULL, &set);
		_exit(sigismember(&set, SIGTRAP) && !sigismember(&set, SIGINT));
	}
	show("a blocked SIGTRAP", end_of(child) == 1);
}

static void a_child_is_traced(void)
{
	int status;
	pid_t child = fork();
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		raise(SIGSTOP);
		_exit(9);
	}
	waitpid(child, &status, 0);
	show("PTRACE_TRACEME", WIFSTOPPED(status));
	ptrace(PTRACE_CONT, child, 0, 0);
	show("the end of a traced child", end_of(child) == 9);
}

static void a_child_is_attached_to(int request)
{
	int status;
	pid_t child = fork();
	if (!child)
		for (;;)
			pause();
	bool attached = ptrace(request, child, 0, 0) == 0;
	show(request == PTRACE_ATTACH ? "PTRACE_ATTACH" : "PTRACE_SEIZE", attached);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	if (attached && WIFSTOPPED(status))
		waitpid(child, &status, 0);
}

int main(void)
{
	handlers_get_signals();
	a_child_stops_and_continues();
	a_child_keeps_the_parents_signals();
	a_child_is_traced();
	a_child_is_attached_to(PTRACE_ATTACH);
	a_child_is_attached_to(PTRACE_SEIZE);
	return 0;
}
