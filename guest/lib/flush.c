// SPDX-License-Identifier: GPL-2.0-or-later
/* Write back and invalidate lines: clwb, clflushopt, clflush (Intel SDM 2A; AMD64 APM 3). */
#include "public.h"

#include <cpuid.h>
#include <stdint.h>

enum { UNKNOWN, CLFLUSH, CLFLUSHOPT = 2, CLWB = 4 };

/* CPUID 7.0 EBX: bit 23 clflushopt, bit 24 clwb. Any x86-64 has clflush. */
static int features(void)
{
	static int known;
	unsigned a, b = 0, c, d;
	int found = __atomic_load_n(&known, __ATOMIC_RELAXED);
	if (found)
		return found;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		b = 0;
	found = CLFLUSH | (b & 1U << 23 ? CLFLUSHOPT : 0) | (b & 1U << 24 ? CLWB : 0);
	__atomic_store_n(&known, found, __ATOMIC_RELAXED);
	return found;
}

#define EACH_LINE(start, bytes, instruction) \
	for (uintptr_t line = (uintptr_t)(start) & ~(uintptr_t)(FAM_LINE - 1), \
		       end = (uintptr_t)(start) + (bytes); \
	     line < end; line += FAM_LINE) \
	__asm__ volatile(instruction " %0" : "+m"(*(volatile char *)line)::"memory")

static void drop_lines(const void *start, size_t bytes)
{
	if (features() & CLFLUSHOPT)
		EACH_LINE(start, bytes, "clflushopt");
	else
		EACH_LINE(start, bytes, "clflush");
}

/* sfence orders clwb and clflushopt before later stores. */
void fam_writeback(const void *start, size_t bytes)
{
	if (features() & CLWB)
		EACH_LINE(start, bytes, "clwb");
	else
		drop_lines(start, bytes);
	__asm__ volatile("sfence" ::: "memory");
}

/* Only mfence orders clflushopt before later loads. */
void fam_invalidate(const void *start, size_t bytes)
{
	drop_lines(start, bytes);
	__asm__ volatile("mfence" ::: "memory");
}

void fam_flush(const void *start, size_t bytes)
{
	fam_invalidate(start, bytes);
}
