// SPDX-License-Identifier: GPL-2.0-or-later
#include "owed.h"
#include "copy.h"
#include "event.h"
#include "machine.h"

#include <pthread.h>

#define PAGES 4096u

struct page {
	uint64_t space, vaddr, pc;
	uint64_t lines; /* bits of the page's lines */
	uint64_t kept; /* of these, the lines that the node holds after the write-back */
};

static struct page owed[PAGES];
static unsigned count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct page *page_for(uint64_t space, uint64_t vaddr)
{
	for (unsigned i = 0; i < count; i++)
		if (owed[i].space == space && owed[i].vaddr == vaddr)
			return &owed[i];
	if (count == PAGES) /* the process will most likely never access the oldest page */
		owed[0] = owed[--count];
	owed[count] = (struct page){.space = space, .vaddr = vaddr};
	return &owed[__atomic_fetch_add(&count, 1, __ATOMIC_RELEASE)];
}

void owed_add(struct cpu *cpu, const struct site *site, uint64_t vaddr)
{
	uint64_t line = UINT64_C(1) << (vaddr % PAGE_BYTES / LINE_BYTES);
	pthread_mutex_lock(&mutex);
	struct page *page = page_for(cpu_space(cpu), vaddr & ~(uint64_t)(PAGE_BYTES - 1));
	page->lines |= line;
	page->kept = site->in.operation == OP_CLWB ? page->kept | line : page->kept & ~line;
	page->pc = address_pc(site->low);
	pthread_mutex_unlock(&mutex);
}

static bool is_mapped(struct page *page, uint64_t *offset)
{
	bool writable;
	*offset = address_walk(&this_machine()->ram, page->vaddr, &writable);
	return *offset != NOT_MAPPED;
}

/* Flush a line at once; the event names the instruction at `pc`. */
static void flush_now(struct cpu *cpu, uint64_t line, bool drop, uint64_t pc)
{
	event_put_at(cpu, drop ? STREAM_CLFLUSH : STREAM_CLWB, line * LINE_BYTES, pc);
	if (!drop)
		event_put_at(cpu, STREAM_PUSHED, line * LINE_BYTES, pc);
	if (this_machine()->view)
		copy_write_back(cpu, line, drop);
}

static void pay(struct cpu *cpu, const struct page *page, uint64_t offset)
{
	for (unsigned i = 0; i < PAGE_BYTES / LINE_BYTES; i++)
		if (address_is_pool(offset) && page->lines >> i & 1)
			flush_now(cpu, offset / LINE_BYTES + i, !(page->kept >> i & 1), page->pc);
}

void owed_pay(struct cpu *cpu)
{
	uint64_t offset;
	if (!__atomic_load_n(&count, __ATOMIC_ACQUIRE))
		return;
	uint64_t fault = address_register(REGISTER_CR2);
	if (fault == cpu->fault) /* an interrupt */
		return;
	cpu->fault = fault;
	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < count; i++)
		while (i < count && owed[i].space == cpu_space(cpu) &&
		       is_mapped(&owed[i], &offset)) {
			pay(cpu, &owed[i], offset);
			owed[i] = owed[count - 1];
			__atomic_fetch_sub(&count, 1, __ATOMIC_RELEASE);
		}
	pthread_mutex_unlock(&mutex);
}
