// SPDX-License-Identifier: GPL-2.0-or-later
#include "address.h"

#include <stdio.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

/* A `pc` machine has RAM below the hole of the 32-bit PCI devices, and the rest of RAM above 4 GiB:
 * hw/i386/pc_piix.c, pc_init1(), of QEMU 10.0. */
#define WHOLE_LOW UINT64_C(0xe0000000)
#define SPLIT_LOW UINT64_C(0xc0000000)
#define ROM       UINT64_C(0xfff00000) /* the firmware, below 4 GiB */

/* Intel SDM 3A, 4.5 */
#define PRESENT  1u
#define WRITABLE 2u
#define USER     4u
#define LARGE    128u
#define ADDRESS  UINT64_C(0x000ffffffffff000)
#define CR0_PG   (UINT64_C(1) << 31)
#define CR4_LA57 (UINT64_C(1) << 12)

static struct qemu_plugin_register *handle[REGISTERS];
static __thread GByteArray *buffer;

static const char *const names[REGISTERS] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp",     "rsi",     "rdi", "r8",  "r9",  "r10", "r11",
	"r12", "r13", "r14", "r15", "rip", "fs_base", "gs_base", "cr0", "cr2", "cr3", "cr4",
};

void address_find_registers(void)
{
	GArray *found = qemu_plugin_get_registers();
	const struct qemu_plugin_reg_descriptor *one = (const void *)found->data;
	for (unsigned i = 0; i < found->len; i++)
		for (unsigned k = 0; k < REGISTERS; k++)
			if (!strcmp(one[i].name, names[k]))
				handle[k] = one[i].handle;
	g_array_free(found, 1);
}

uint64_t address_register(unsigned number)
{
	uint64_t value = 0;
	if (!buffer)
		buffer = g_byte_array_new();
	g_byte_array_set_size(buffer, 0);
	int bytes = qemu_plugin_read_register(handle[number], buffer);
	if (bytes > 0)
		memcpy(&value, buffer->data, bytes > 8 ? 8 : (size_t)bytes);
	return value;
}

uint64_t address_pc(unsigned low)
{
	return (address_register(REGISTER_RIP) & ~UINT64_C(0xfff)) | low;
}

static uint64_t register_or_0(uint8_t number)
{
	return number == NO_REGISTER ? 0 : address_register(number);
}

/* A bit instruction with a register addresses memory far beyond the operand: SDM 2A, BTS, and
 * 3.1.1.9. */
static uint64_t bit_distance(const struct instruction *in)
{
	if (in->bit_register == NO_REGISTER)
		return 0;
	int64_t bit = (int64_t)address_register(in->bit_register);
	if (in->size == 4)
		bit = (int32_t)bit;
	if (in->size == 2)
		bit = (int16_t)bit;
	return (uint64_t)((bit >> (in->size == 8 ? 6 : in->size == 4 ? 5 : 4)) * in->size);
}

uint64_t address_operand(const struct instruction *in, unsigned low_pc)
{
	uint64_t at = register_or_0(in->base) + (register_or_0(in->index) << in->scale) +
		      (uint64_t)(int64_t)in->displacement + bit_distance(in);
	if (in->relative)
		at += address_pc(low_pc) + in->length;
	if (in->short_address)
		at = (uint32_t)at;
	if (in->segment)
		at += address_register(in->segment == 'f' ? REGISTER_FS_BASE : REGISTER_GS_BASE);
	return at;
}

bool address_find_ram(struct ram *ram)
{
	char line[4600], path[4096];
	unsigned long start, end, offset;
	size_t wanted = strlen(ram->name);
	FILE *maps = fopen("/proc/self/maps", "re");
	while (!ram->at && maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %4095[^\n]", &start, &end, &offset,
			   path) != 4)
			continue;
		if (offset == 0 && !strncmp(path, ram->name, wanted))
			ram->at = (const uint8_t *)start;
	}
	if (maps)
		fclose(maps);
	return ram->at;
}

static uint64_t low_ram(const struct ram *ram)
{
	return ram->size < WHOLE_LOW ? ram->size : SPLIT_LOW;
}

static bool is_ram(const struct ram *ram, uint64_t physical, uint64_t *at)
{
	uint64_t low = low_ram(ram);
	*at = physical < low ? physical : physical - 4 * GIB + low;
	return physical < low || (physical >= 4 * GIB && *at < ram->size);
}

/* Memory that is neither RAM nor firmware is the pool; the pool's BAR is aligned to the pool's
 * size. */
uint64_t address_pool_offset(const struct ram *ram, uint64_t physical)
{
	uint64_t at;
	if (is_ram(ram, physical, &at) || (physical >= ROM && physical < 4 * GIB))
		return NOT_POOL;
	return physical & (ram->pool_size - 1);
}

static uint64_t read_entry(const struct ram *ram, uint64_t table, unsigned index)
{
	uint64_t at, entry;
	if (!is_ram(ram, table + 8 * index, &at))
		return 0;
	memcpy(&entry, ram->at + at, 8);
	return entry;
}

uint64_t address_walk(const struct ram *ram, uint64_t vaddr, bool *writable)
{
	uint64_t entry = address_register(REGISTER_CR3);
	uint64_t rights = PRESENT | WRITABLE | USER;
	int shift = address_register(REGISTER_CR4) & CR4_LA57 ? 48 : 39;
	*writable = true;
	if (!(address_register(REGISTER_CR0) & CR0_PG))
		return address_pool_offset(ram, vaddr);
	for (;; shift -= 9) {
		entry = read_entry(ram, entry & ADDRESS, vaddr >> shift & 511);
		rights &= entry;
		if (!(rights & PRESENT))
			return NOT_MAPPED;
		if (shift == 12 || (shift <= 30 && entry & LARGE))
			break;
	}
	uint64_t inside = (UINT64_C(1) << shift) - 1;
	*writable = (rights & WRITABLE) && (rights & USER);
	return address_pool_offset(ram, (entry & ADDRESS & ~inside) | (vaddr & inside));
}

void address_forget(struct tlb *tlb)
{
	tlb->epoch += UINT64_C(1) << 40;
	if (!tlb->epoch)
		memset(tlb, 0xff, sizeof(*tlb)), tlb->epoch = UINT64_C(1) << 40;
}
