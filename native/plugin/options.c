// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT       (sizeof(known) / sizeof(known[0]))
#define FIELD(name) {#name, offsetof(struct options, name)}

static const struct {
	const char *name;
	size_t at;
} known[] = {
	FIELD(pool), FIELD(folder), FIELD(node), FIELD(ram), FIELD(memory), FIELD(check),
};

static const char **value_of(struct options *options, unsigned i)
{
	return (const char **)((char *)options + known[i].at);
}

static void print_known(void)
{
	for (unsigned i = 0; i < COUNT; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", known[i].name);
	fprintf(stderr, "\n");
}

static bool read_option(struct options *to, const char *argument)
{
	size_t length = strcspn(argument, "=");
	for (unsigned i = 0; i < COUNT; i++)
		if (strlen(known[i].name) == length && !strncmp(argument, known[i].name, length) &&
		    argument[length]) {
			*value_of(to, i) = argument + length + 1;
			return true;
		}
	fprintf(stderr, "famulus: unknown option '%.*s'; the options are ", (int)length, argument);
	print_known();
	return false;
}

static bool is_complete(struct options *options)
{
	bool complete = true;
	for (unsigned i = 0; i < COUNT; i++)
		if (!*value_of(options, i) && strcmp(known[i].name, "check")) {
			fprintf(stderr, "famulus: the option '%s' is missing\n", known[i].name);
			complete = false;
		}
	return complete;
}

bool options_check(const struct options *options)
{
	return options->check && !strcmp(options->check, "on");
}

bool options_read(struct options *to, int count, char **arguments)
{
	for (int i = 0; i < count; i++)
		if (!read_option(to, arguments[i]))
			return false;
	return options_check(to) || is_complete(to);
}
