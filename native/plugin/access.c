// SPDX-License-Identifier: GPL-2.0-or-later
#include "access.h"
#include "copy.h"
#include "event.h"
#include "line.h"
#include "machine.h"
#include "pending.h"

/* The parts beyond a page's end lie wherever the page tables map the next page. */
void access_each_part(struct cpu *cpu, const struct access *a, access_part *each)
{
	uint64_t offset = a->offset;
	bool writable;
	for (unsigned done = 0, size; done < a->size; done += size) {
		unsigned room = LINE_BYTES - (unsigned)(offset % LINE_BYTES), left = a->size - done;
		size = left < room ? left : room;
		if (address_is_pool(offset))
			each(cpu, a, offset, size);
		offset = (a->vaddr + done + size) % PAGE_BYTES || size == left
				 ? offset + size
				 : address_walk(&this_machine()->ram, a->vaddr + done + size,
						&writable);
	}
}

void access_hold_part(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	uint64_t bytes = line_mask(offset % LINE_BYTES, size);
	copy_touch(cpu, offset / LINE_BYTES, a->kind == STREAM_LOAD ? 0 : bytes);
}

static void wait_for_fence(struct cpu *cpu, const struct access *a, uint64_t offset, unsigned size)
{
	(void)a, (void)size;
	pending_add(cpu, offset / LINE_BYTES, true);
}

/* An access within a page is one event, even if the access crosses lines. */
static void tell_whole(struct cpu *cpu, const struct access *a)
{
	if (!cpu->ring)
		return;
	if (a->vaddr % PAGE_BYTES + a->size > PAGE_BYTES)
		access_each_part(cpu, a, event_access);
	else
		event_access(cpu, a, a->offset, a->size);
}

void access_done(struct cpu *cpu, const struct access *a)
{
	tell_whole(cpu, a);
	if (this_machine()->view)
		access_each_part(cpu, a, access_hold_part);
	if (a->kind == STREAM_STORE_NT)
		access_each_part(cpu, a, wait_for_fence);
}
