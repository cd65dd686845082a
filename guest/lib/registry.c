// SPDX-License-Identifier: GPL-2.0-or-later
/* List the living members. */
#include "internal.h"

static bool read_member(struct fam *fam, unsigned index, struct fam_member *member)
{
	struct libfam_slot *slot = &fam->slots[index];
	uint64_t state = fam_load64(&slot->state);
	if (!(state & 1) || fam_load64(&slot->described) != state >> 1)
		return false; /* a free slot, or a member that is still joining */
	*member = (struct fam_member){
		.id = (index + 1ULL) << 32 | (state >> 1 & 0xffffffff),
		.beats = fam_load64(&slot->beats),
		.node = (int32_t)fam_load64(&slot->node),
		.pid = (int32_t)fam_load64(&slot->pid),
		.joined = (int64_t)fam_load64(&slot->joined),
	};
	return fam_load64(&slot->state) == state;
}

int fam_members(struct fam *fam, struct fam_member *list, int max)
{
	struct fam_member member;
	int found = libfam_usable(fam);
	if (found)
		return found;
	for (unsigned index = 0; index < libfam_slots_used(fam); index++) {
		if (!read_member(fam, index, &member))
			continue;
		if (found < max)
			list[found] = member;
		found++;
	}
	return found;
}

int fam_node_alive(struct fam *fam, int node)
{
	struct fam_member member;
	int result = libfam_usable(fam);
	for (unsigned index = 0; result == 0 && index < libfam_slots_used(fam); index++)
		result = read_member(fam, index, &member) && member.node == node;
	return result;
}
