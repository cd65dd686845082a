// SPDX-License-Identifier: GPL-2.0-or-later
/* Locked instructions and xchg: alone on their line, from before they load until they have stored. */
#include "cpu.h"
#include "line.h"
#include "lock.h"

#include <string.h>

void fam_let_go(struct fam_cpu *cpu)
{
	if (cpu->locked != FAM_NO_LINE)
		fam_unlock(&fam.fabric, cpu->locked);
	cpu->locked = FAM_NO_LINE;
}

static uint64_t lies_at(uint64_t offset, unsigned size)
{
	uint64_t value = 0;
	memcpy(&value, (fam.view ? fam.view->image : fam.fabric.pool) + offset,
	       size < 8 ? size : 8);
	return value;
}

/* Have the image hold what the pool holds, and keep the line's lock until the instruction has stored. One
 * that would fault, or that is not aligned and which QEMU therefore begins twice, is left alone. */
void fam_before_locked(struct fam_cpu *cpu, const struct fam_site *site)
{
	bool writable = true, owed = cpu->pendings;
	fam_let_go(cpu);
	fam_drain(cpu);
	if (owed)
		fam_tell(cpu, FAM_EV_LOCKED, FAM_NO_OFFSET, site->low);
	if (fam.fabric.control->local_atomics && !cpu->ring)
		return;
	uint64_t vaddr = fam_operand(&site->in, site->low);
	uint64_t offset = fam_operand_offset(cpu, vaddr, &writable);
	if (!fam_is_pool(offset) || !writable || vaddr % site->in.size)
		return;
	uint64_t line = offset / FAM_LINE;
	fam_lock(&fam.fabric, line, cpu->number);
	cpu->locked = line;
	if (fam.view && !fam.fabric.control->local_atomics)
		fam_drop(&fam.fabric, fam.view, line);
	cpu->found = lies_at(offset, site->in.size);
}

/* What lies there now: QEMU tells of operands, and of a cmpxchg that failed what it would have stored. */
static struct fam_access as_done(const struct fam_access *a, uint64_t offset)
{
	struct fam_access done = *a;
	done.value = lies_at(offset, a->size);
	return done;
}

static void part_locked(struct fam_cpu *cpu, const struct fam_access *a, uint64_t offset,
			unsigned size)
{
	uint64_t line = offset / FAM_LINE;
	if (cpu->locked != line)
		fam_lock(&fam.fabric, line, cpu->number);
	struct fam_access done = as_done(a, offset);
	if (offset == a->offset)
		fam_tell_access(cpu, &done, offset, a->size);
	if (fam.view && !fam.fabric.control->local_atomics) {
		__atomic_fetch_or(&fam.view->dirty[line], fam_bytes(offset % FAM_LINE, size),
				  __ATOMIC_ACQ_REL);
		fam_drop(&fam.fabric, fam.view, line);
	}
	fam_unlock(&fam.fabric, line);
	if (cpu->locked == line)
		cpu->locked = FAM_NO_LINE;
}

void fam_after_locked(struct fam_cpu *cpu, const struct fam_access *a)
{
	fam_each_part(cpu, a, part_locked);
	fam_let_go(cpu);
	if (fam.view && fam.fabric.control->local_atomics)
		fam_each_part(cpu, a, fam_part_accessed);
	else if (fam.view)
		fam_cache_forget(&fam.cache, a->offset / FAM_LINE);
}
