// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * launch [--limit SECONDS FILE] FOLDER PROGRAM [ARG...]: run PROGRAM in a node so that the checker
 * can name the program's instructions. The program's processes have the same addresses in each run
 * and node. Each process sends SAYS_PROCESS before its first instruction, and the launcher sends
 * SAYS_EXIT after the process's end (says.h). For each process, FOLDER gets a file named by the
 * process id: the process's name, then its mappings at its end. The launcher ends when all
 * processes have ended.
 *
 * --limit: end all processes after so many seconds, 0: never; FILE gets a line that says how
 * PROGRAM ended: `exit CODE`, `signal NUMBER`, `time-out`, or `not begun` if PROGRAM cannot be run.
 *
 * Exit status: PROGRAM's; 128 + signal if a signal ended PROGRAM; 127 if PROGRAM cannot be run.
 *
 * launch --drop: write back and empty the node's caches, so that no line of earlier programs is
 * left.
 */
#define _GNU_SOURCE
#include "../../guest/driver/famulus_uapi.h"
#include "follow.h"
#include "keep.h"
#include "release.h"
#include "stop.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the process of the program: `up` tells the launcher the listener, `down` ends when the
 * launcher traces. */
static void run(char *argv[], const sigset_t *mask, int up, int down)
{
	int listener = release_filter();
	char traced;
	personality(ADDR_NO_RANDOMIZE);
	if (write(up, &listener, sizeof(listener)) != sizeof(listener) ||
	    read(down, &traced, 1) != 0)
		_exit(127);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "launch: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Trace the process, and let the process begin. */
static bool trace(const struct follow *f, int up, int down)
{
	int listener;
	bool told = read(up, &listener, sizeof(listener)) == sizeof(listener);
	if (!told || ptrace(PTRACE_SEIZE, f->program, 0, STOP_OPTIONS)) {
		perror("launch: ptrace");
		kill(f->program, SIGKILL);
		return false;
	}
	release_begin(f->program, listener, f->folder);
	close(down);
	return true;
}

/* A process group of its own spares the launcher the signals that the program sends to the
 * program's group. */
static bool start(struct follow *f, char *argv[])
{
	sigset_t mask = follow_block();
	int up[2], down[2];
	tree_begin();
	if (pipe2(up, O_CLOEXEC) || pipe2(down, O_CLOEXEC) || (f->program = fork()) < 0) {
		perror("launch");
		return false;
	}
	if (f->program == 0) {
		close(down[1]);
		run(argv, &mask, up[1], down[0]);
	}
	setpgid(0, 0);
	close(up[1]);
	return trace(f, up[0], down[1]);
}

static int launch(struct follow *f, const char *outcome, char *argv[])
{
	if (!start(f, argv))
		return 127;
	follow(f);
	enum keep_end end = f->over            ? KEEP_TIME_OUT
			    : stop_has_begun() ? KEEP_ENDED
					       : KEEP_NOT_BEGUN;
	keep_outcome(outcome, end, f->status);
	return WIFEXITED(f->status) ? WEXITSTATUS(f->status) : 128 + WTERMSIG(f->status);
}

static int drop_caches(void)
{
	int device = open("/dev/fam0", O_RDWR | O_CLOEXEC);
	if (device >= 0 && !ioctl(device, FAMULUS_WBINVD))
		return 0;
	perror("launch: /dev/fam0");
	return 1;
}

int main(int argc, char *argv[])
{
	struct follow f = {0};
	const char *outcome = NULL;
	if (argc == 2 && !strcmp(argv[1], "--drop"))
		return drop_caches();
	if (argc > 4 && !strcmp(argv[1], "--limit")) {
		f.limit = strtod(argv[2], NULL);
		outcome = argv[3];
		argv += 3;
		argc -= 3;
	}
	if (argc < 3) {
		fputs("usage: launch [--limit SECONDS FILE] FOLDER PROGRAM [ARG...]\n", stderr);
		return 2;
	}
	f.folder = argv[1];
	return launch(&f, outcome, argv + 2);
}
