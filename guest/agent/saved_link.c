// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last `link` directive, kept on the disk: a node that reboots by itself sets up its network
 * card from this file, because the host sends no second request.
 */
#include "agent.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER   "/var/lib/famulus"
#define SAVED    FOLDER "/link"
#define WORD_MAX 64 /* bytes */

int saved_link_write(char *words[])
{
	char line[SAVED_LINK_MAX] = "link";
	for (int i = 1; i < 6; i++) {
		strcat(line, " ");
		strncat(line, words[i], WORD_MAX);
	}
	strcat(line, "\n");
	if (ready_fill(0644, 0, 0, SAVED, line, strlen(line)))
		return 0;
	mkdir(FOLDER, 0755);
	return file_write(0644, 0, 0, SAVED, line, strlen(line));
}

size_t saved_link_read(char line[SAVED_LINK_MAX])
{
	FILE *file = fopen(SAVED, "re");
	size_t length = file ? fread(line, 1, SAVED_LINK_MAX - 1, file) : 0;
	if (file)
		fclose(file);
	line[length] = '\0';
	return length;
}
