// SPDX-License-Identifier: GPL-2.0-or-later
/* Check owner, group and mode of a region as for files (path_resolution(7)). */
#include "internal.h"

#include <errno.h>
#include <unistd.h>

#define GROUPS 256

static bool in_group(gid_t group)
{
	gid_t groups[GROUPS];
	int count = getgroups(GROUPS, groups);
	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return getegid() == group;
}

int libfam_entry_allows(const struct libfam_entry *entry, unsigned wanted)
{
	uid_t user = geteuid();
	unsigned allowed = entry->mode;
	if (user == 0)
		return 0;
	if (!wanted)
		return user == entry->uid ? 0 : -EPERM;
	if (user == entry->uid)
		allowed >>= 6;
	else if (in_group(entry->gid))
		allowed >>= 3;
	return (allowed & wanted) == wanted ? 0 : -EACCES;
}
