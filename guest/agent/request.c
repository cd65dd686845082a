// SPDX-License-Identifier: GPL-2.0-or-later
/* Parse a request and carry out its directives one by one. */
#include "agent.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX     6
#define DIRECTIVE_MAX 200

/* The part of the request that is not parsed yet. */
struct rest {
	char *at;
	size_t length;
};

/* Return the next line without its line feed; NULL if no line feed follows. */
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

/* The sixth word is the rest of the line: a path may hold spaces. */
static int split(char *line, char *words[WORDS_MAX])
{
	int count = 0;
	while (line && count < WORDS_MAX) {
		words[count++] = line;
		line = count < WORDS_MAX ? strchr(line, ' ') : NULL;
		if (line)
			*line++ = '\0';
	}
	return count;
}

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

static bool number(const char *text, int base, unsigned long max, unsigned long *value)
{
	char *end;
	if (*text < '0' || *text > '9') /* strtoul() accepts blanks and signs */
		return false;
	errno = 0;
	*value = strtoul(text, &end, base);
	return *end == '\0' && errno == 0 && *value <= max;
}

struct place {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	size_t length;
	const char *path;
};

static int parse_place(char *words[WORDS_MAX], struct place *place)
{
	unsigned long mode, uid, gid, length;
	if (!number(words[1], 8, 07777, &mode) || !number(words[2], 10, UINT_MAX - 1, &uid) ||
	    !number(words[3], 10, UINT_MAX - 1, &gid) ||
	    !number(words[4], 10, REQUEST_MAX, &length) || words[5][0] != '/')
		return invalid();
	*place = (struct place){(mode_t)mode, (uid_t)uid, (gid_t)gid, length, words[5]};
	return 0;
}

static int run_file(char *words[WORDS_MAX], struct rest *rest)
{
	struct place to;
	const char *data = rest->at;
	if (parse_place(words, &to))
		return -1;
	if (to.length >= rest->length || data[to.length] != '\n')
		return invalid();
	rest->at += to.length + 1;
	rest->length -= to.length + 1;
	return apply_file(to.mode, to.uid, to.gid, to.path, data, to.length);
}

static int run_ready(char *words[WORDS_MAX])
{
	struct place to;
	return parse_place(words, &to) ? -1
				       : ready_make(to.mode, to.uid, to.gid, to.path, to.length);
}

static int run_link(char *words[WORDS_MAX])
{
	unsigned long prefix;
	if (!number(words[4], 10, 32, &prefix))
		return invalid();
	if (apply_link(words[1], words[2], words[3], (int)prefix, words[5]))
		return -1;
	return saved_link_write(words);
}

static int run_listening(const char *word)
{
	unsigned long port;
	return number(word, 10, 65535, &port) ? apply_listening((unsigned)port) : invalid();
}

/* A password may contain spaces: join its words again. */
static int run_password(char *words[WORDS_MAX], int count)
{
	for (int i = 3; i < count; i++)
		words[i][-1] = ' ';
	return apply_password(words[1], words[2]);
}

static int run_sync(void)
{
	sync();
	return 0;
}

/* The directives that have one argument. */
static const struct {
	const char *verb;
	int (*apply)(const char *word);
} simple[] = {
	{"hostname", apply_hostname}, {"machine-id", apply_machine_id},
	{"entropy", apply_entropy},   {"time", apply_time},
	{"plug", apply_plug},         {"listening", run_listening},
};

static int run_words(char *words[WORDS_MAX], int count, struct rest *rest)
{
	const char *verb = words[0];
	for (size_t i = 0; count == 2 && i < sizeof(simple) / sizeof(*simple); i++)
		if (strcmp(verb, simple[i].verb) == 0)
			return simple[i].apply(words[1]);
	if (count == 6 && strcmp(verb, "link") == 0)
		return run_link(words);
	if (count == 6 && strcmp(verb, "file") == 0)
		return run_file(words, rest);
	if (count == 6 && strcmp(verb, "ready") == 0)
		return run_ready(words);
	if (count >= 3 && strcmp(verb, "password") == 0)
		return run_password(words, count);
	if (count == 1 && strcmp(verb, "sync") == 0)
		return run_sync();
	if (count == 1 && strcmp(verb, "await") == 0)
		return clone_prepare();
	if (count == 1 && strcmp(verb, "began") == 0)
		return apply_began();
	if (count == 1 && strcmp(verb, "poweroff") == 0)
		return apply_poweroff();
	return invalid();
}

int request_run(char *text, size_t length, struct failure *why)
{
	struct rest rest = {text, length};
	while (rest.length) {
		char *words[WORDS_MAX];
		char *line = next_line(&rest);
		char *end = memccpy(why->directive, line ? line : "unfinished line", '\0',
				    DIRECTIVE_MAX);
		if (!end)
			why->directive[DIRECTIVE_MAX] = '\0';
		if (!line || run_words(words, split(line, words), &rest)) {
			why->error = line ? errno : EINVAL;
			return -1;
		}
	}
	return 0;
}
