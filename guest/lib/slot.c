// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The slots of the registry: which member's id a slot holds, and how many slots were ever used.
 *
 * A member's id is slot + 1 << 32 | generation. A slot that is freed keeps its generation, and the
 * next member in the slot takes the next generation: an id is alive while its slot holds that very
 * generation, and never again.
 */
#include "internal.h"

uint64_t libfam_slot_state(uint64_t id)
{
	return (id & 0xffffffff) << 1 | 1;
}

bool libfam_is_dead(struct fam *fam, uint64_t id)
{
	uint64_t index = (id >> 32) - 1;
	return index >= FAM_SLOTS || fam_load64(&fam->slots[index].state) != libfam_slot_state(id);
}

/* If the count was overwritten by mistake it can have any value; each heartbeat raises it again. */
unsigned libfam_slots_used(struct fam *fam)
{
	uint64_t used = fam_load64(&fam->locks->slots_used);
	return used < FAM_SLOTS ? (unsigned)used : FAM_SLOTS;
}

void libfam_slots_raise_used(struct fam *fam)
{
	fam_fetch_max64(&fam->locks->slots_used, fam->id >> 32);
}
