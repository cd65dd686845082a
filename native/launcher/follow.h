/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follow a program and all its processes to their end. */
#ifndef LAUNCHER_FOLLOW_H
#define LAUNCHER_FOLLOW_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct follow {
	const char *folder; /* for the files of processes */
	pid_t program;
	double limit; /* seconds until all processes are ended; 0: never */
	int status; /* of the program, as waitpid(2) returns it */
	bool over; /* the limit was reached */
};

/* Block the signals that follow() receives. Return the mask before. */
sigset_t follow_block(void);

/* Return when no process is left. */
void follow(struct follow *);

#endif
