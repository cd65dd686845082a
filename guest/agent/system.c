// SPDX-License-Identifier: GPL-2.0-or-later
/* The node's host name, machine id, clock and power. */
#include "agent.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds. A smaller error stays: a step of the clock would disturb programs more. */
#define CLOCK_TOLERANCE 0.05

static int apply_line(const char *path, const char *text)
{
	char line[256] = "";
	strncat(line, text, sizeof(line) - 2);
	strcat(line, "\n");
	return apply_file(0644, 0, 0, path, line, strlen(line));
}

int apply_hostname(const char *name)
{
	if (sethostname(name, strlen(name)))
		return -1;
	return apply_line("/etc/hostname", name);
}

int apply_machine_id(const char *id)
{
	if (strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32) {
		errno = EINVAL;
		return -1;
	}
	return apply_line("/etc/machine-id", id);
}

int apply_time(const char *text)
{
	struct timespec now, wanted = {0};
	long long seconds;
	long micro;
	if (sscanf(text, "%lld.%6ld", &seconds, &micro) != 2) {
		errno = EINVAL;
		return -1;
	}
	wanted.tv_sec = seconds;
	wanted.tv_nsec = micro * 1000;
	clock_gettime(CLOCK_REALTIME, &now);
	double off = (double)(wanted.tv_sec - now.tv_sec) +
		     1e-9 * (double)(wanted.tv_nsec - now.tv_nsec);
	return fabs(off) > CLOCK_TOLERANCE ? clock_settime(CLOCK_REALTIME, &wanted) : 0;
}

/* systemd(1): SIGRTMIN+4 starts poweroff.target, as `systemctl poweroff` does. */
int apply_poweroff(void)
{
	return kill(1, SIGRTMIN + 4);
}
