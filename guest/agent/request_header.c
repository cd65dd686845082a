// SPDX-License-Identifier: GPL-2.0-or-later
/* The first line of a request: the protocol's name and version, and the payload's length. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

#define HEADER "famulus 1 "

bool request_header(const char *line, size_t *length)
{
	char *end;
	if (strncmp(line, HEADER, strlen(HEADER)) != 0)
		return false;
	line += strlen(HEADER);
	*length = strtoul(line, &end, 10);
	return *line >= '0' && *line <= '9' && *end == '\n' && *length <= REQUEST_MAX;
}
