// SPDX-License-Identifier: GPL-2.0-or-later
#include "fails.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int fails(const char *subject)
{
	fprintf(stderr, "%s: %s\n", subject, strerror(errno));
	return 1;
}
