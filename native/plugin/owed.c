// SPDX-License-Identifier: GPL-2.0-or-later
#include "owed.h"

#include <pthread.h>

#define PAGES 4096u

struct page {
	uint64_t space, vaddr, pc;
	uint64_t lines, kept; /* bits of the page's lines; those that are only to be written back */
};

static struct page owed[PAGES];
static unsigned count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct page *page_for(uint64_t space, uint64_t vaddr)
{
	for (unsigned i = 0; i < count; i++)
		if (owed[i].space == space && owed[i].vaddr == vaddr)
			return &owed[i];
	if (count == PAGES) /* the oldest is one that was never touched, most likely */
		owed[0] = owed[--count];
	owed[count] = (struct page){.space = space, .vaddr = vaddr};
	return &owed[__atomic_fetch_add(&count, 1, __ATOMIC_RELEASE)];
}

void fam_owe(struct fam_cpu *cpu, const struct fam_site *site, uint64_t vaddr)
{
	uint64_t line = UINT64_C(1) << (vaddr % FAM_PAGE / FAM_LINE);
	pthread_mutex_lock(&mutex);
	struct page *page = page_for(fam_space(cpu), vaddr & ~(uint64_t)(FAM_PAGE - 1));
	page->lines |= line;
	page->kept = site->in.operation == FAM_OP_CLWB ? page->kept | line : page->kept & ~line;
	page->pc = fam_pc(site->low);
	pthread_mutex_unlock(&mutex);
}

static bool is_mapped(struct page *page, uint64_t *offset)
{
	bool writable;
	*offset = fam_walk(&fam.ram, page->vaddr, &writable);
	return *offset != FAM_NOT_MAPPED;
}

static void pay(struct fam_cpu *cpu, const struct page *page, uint64_t offset)
{
	for (unsigned i = 0; i < FAM_PAGE / FAM_LINE; i++)
		if (fam_is_pool(offset) && page->lines >> i & 1)
			fam_flush_now(cpu, offset / FAM_LINE + i, !(page->kept >> i & 1), page->pc);
}

void fam_pay(struct fam_cpu *cpu)
{
	uint64_t offset;
	if (!__atomic_load_n(&count, __ATOMIC_ACQUIRE))
		return;
	uint64_t fault = fam_register(FAM_CR2);
	if (fault == cpu->fault) /* an interrupt */
		return;
	cpu->fault = fault;
	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < count; i++)
		while (i < count && owed[i].space == fam_space(cpu) &&
		       is_mapped(&owed[i], &offset)) {
			pay(cpu, &owed[i], offset);
			owed[i] = owed[count - 1];
			__atomic_fetch_sub(&count, 1, __ATOMIC_RELEASE);
		}
	pthread_mutex_unlock(&mutex);
}
