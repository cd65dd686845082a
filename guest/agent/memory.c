// SPDX-License-Identifier: GPL-2.0-or-later
/* Remember on the disk what the host said of the card: a node that reboots is not told again. */
#include "agent.h"

#include <stdio.h>
#include <string.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER   "/var/lib/famulus"
#define MEMORY   FOLDER "/link"
#define WORD_MAX 64 /* bytes */

int link_remember(char *words[])
{
	char line[512] = "link";
	for (int i = 1; i < 6; i++) {
		strcat(line, " ");
		strncat(line, words[i], WORD_MAX);
	}
	strcat(line, "\n");
	if (ready_fill(0644, 0, 0, MEMORY, line, strlen(line)))
		return 0;
	mkdir(FOLDER, 0755);
	return apply_file(0644, 0, 0, MEMORY, line, strlen(line));
}

/* Whatever fails here, the host has the last word. */
void link_recall(void)
{
	char line[512];
	struct failure why;
	FILE *file = fopen(MEMORY, "re");
	size_t length = file ? fread(line, 1, sizeof(line) - 1, file) : 0;
	if (file)
		fclose(file);
	line[length] = '\0';
	if (length && request_run(line, length, &why) == 0)
		notify_ready();
}
