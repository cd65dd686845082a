// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree.h"

#include "task.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DEPTH \
	4096 /* a bound for a chain of parents that changes while the launcher reads the chain */

void tree_begin(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

bool tree_has(pid_t process)
{
	pid_t ours = getpid();
	for (unsigned i = 0; i < DEPTH && process > 1; i++) {
		process = task_status(process, "PPid");
		if (process == ours)
			return true;
	}
	return false;
}

void tree_kill(int signal)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		pid_t process = (pid_t)atoi(entry->d_name);
		if (process > 1 && tree_has(process))
			kill(process, signal);
	}
	if (folder)
		closedir(folder);
}
