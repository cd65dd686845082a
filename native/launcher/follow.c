// SPDX-License-Identifier: GPL-2.0-or-later
#include "follow.h"

#include "release.h"
#include "stop.h"
#include "tree.h"

#include <poll.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE 5 /* seconds between SIGTERM and SIGKILL */

/* SIGALRM: end all processes at once. The other signals but SIGCHLD go to the program. */
static const int received[] = {SIGCHLD, SIGALRM, SIGTERM, SIGINT,  SIGHUP,  SIGTSTP,
			       SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};

static sigset_t all_received(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof(received) / sizeof(*received); i++)
		sigaddset(&set, received[i]);
	return set;
}

sigset_t follow_block(void)
{
	sigset_t set = all_received(), before;
	sigprocmask(SIG_BLOCK, &set, &before);
	return before;
}

/* The kernel sends a terminal's signals to the program, too; and the program may send signals to
 * all. */
static void pass_on(const struct follow *f, const struct signalfd_siginfo *got)
{
	if (got->ssi_code <= 0 && !tree_has((pid_t)got->ssi_pid))
		kill(f->program, (int)got->ssi_signo);
}

static void receive(const struct follow *f, int fd)
{
	struct signalfd_siginfo got;
	while (read(fd, &got, sizeof(got)) == sizeof(got)) {
		if (got.ssi_signo == SIGALRM)
			tree_kill(SIGKILL);
		else if (got.ssi_signo != SIGCHLD)
			pass_on(f, &got);
	}
}

static void expire(struct follow *f, int timer)
{
	uint64_t times;
	if (read(timer, &times, sizeof(times)) != sizeof(times))
		return;
	tree_kill(f->over ? SIGKILL : SIGTERM);
	f->over = true;
}

static int timer_of(double seconds)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	time_t whole = (time_t)seconds;
	long rest = (long)((seconds - (double)whole) * 1e9);
	struct itimerspec when = {{.tv_sec = GRACE}, {.tv_sec = whole, .tv_nsec = rest}};
	timerfd_settime(timer, 0, &when, NULL);
	return timer;
}

/* Return false if there are no children, and nobody traces for the launcher. */
static bool reap(struct follow *f)
{
	int status;
	pid_t task;
	while ((task = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		if (task == f->program && !WIFSTOPPED(status))
			f->status = status;
		stop_handle(f->folder, task, status);
	}
	return task == 0;
}

void follow(struct follow *f)
{
	sigset_t set = all_received();
	struct pollfd ready[RELEASE_MAX + 3] = {{.events = POLLIN}, {.events = POLLIN}};
	ready[0].fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	ready[1].fd = timer_of(f->limit);
	while (reap(f) || release_waits()) {
		poll(ready, 2 + release_poll(ready + 2), -1);
		receive(f, ready[0].fd);
		expire(f, ready[1].fd);
		release_handle();
	}
}
