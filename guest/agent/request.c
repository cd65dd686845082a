// SPDX-License-Identifier: GPL-2.0-or-later
/* Take a request apart and carry it out, directive by directive. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 6

/* What is left of the request. */
struct rest {
	char *at;
	size_t length;
};

/* Cut the next line off; NULL if the request ends without one. */
static char *next_line(struct rest *rest)
{
	char *line = rest->at, *end = memchr(line, '\n', rest->length);
	if (!end)
		return NULL;
	*end = '\0';
	rest->length -= (size_t)(end + 1 - line);
	rest->at = end + 1;
	return line;
}

static int split(char *line, char *words[WORDS_MAX])
{
	int count = 0;
	char *save;
	for (char *word = strtok_r(line, " ", &save); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return count;
}

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

static int run_file(char *words[WORDS_MAX], struct rest *rest)
{
	size_t length = strtoul(words[4], NULL, 10);
	if (length >= rest->length || rest->at[length] != '\n' || words[5][0] != '/')
		return invalid();
	char *data = rest->at;
	rest->at += length + 1;
	rest->length -= length + 1;
	return apply_file((mode_t)strtoul(words[1], NULL, 8), (uid_t)strtoul(words[2], NULL, 10),
			  (gid_t)strtoul(words[3], NULL, 10), words[5], data, length);
}

static int run_sync(void)
{
	sync();
	return 0;
}

static int run_words(char *words[WORDS_MAX], int count, struct rest *rest)
{
	const char *verb = count ? words[0] : "";
	if (count == 2 && strcmp(verb, "hostname") == 0)
		return apply_hostname(words[1]);
	if (count == 2 && strcmp(verb, "machine-id") == 0)
		return apply_machine_id(words[1]);
	if (count == 2 && strcmp(verb, "time") == 0)
		return apply_time(words[1]);
	if (count == 6 && strcmp(verb, "link") == 0)
		return apply_link(words[1], words[2], words[3], atoi(words[4]), words[5]);
	if (count == 6 && strcmp(verb, "file") == 0)
		return run_file(words, rest);
	if (count == 1 && strcmp(verb, "sync") == 0)
		return run_sync();
	if (count == 1 && strcmp(verb, "poweroff") == 0)
		return apply_poweroff();
	return invalid();
}

int request_run(char *text, size_t length, struct failure *why)
{
	struct rest rest = { text, length };
	while (rest.length) {
		char *words[WORDS_MAX];
		char *line = next_line(&rest);
		snprintf(why->what, sizeof(why->what), "%.200s", line ? line : "unfinished line");
		if (!line || run_words(words, split(line, words), &rest)) {
			why->error = line ? errno : EINVAL;
			return -1;
		}
	}
	return 0;
}
