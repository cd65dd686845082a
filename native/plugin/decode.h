/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions matter to caches, and where their operand lies. Pure. 64-bit code only.
 * Encodings: Intel SDM 2A, chapter 2 (prefixes, ModRM, SIB, VEX) and the instructions' own pages. */
#ifndef FAMULUS_DECODE_H
#define FAMULUS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum operation {
	OP_PLAIN,
	OP_CLFLUSH,
	OP_CLFLUSHOPT,
	OP_CLWB,
	OP_WBINVD,
	OP_WBNOINVD,
	OP_SFENCE,
	OP_MFENCE,
	OP_LFENCE,
	OP_LOCKED, /* a lock prefix, or xchg with memory */
	OP_NT_STORE, /* past the caches */
	OP_CPUID, /* serialises; and is how a program of ours speaks to the plugin */
	OP_TRANSLATION, /* the CPU may forget address translations: cr0, cr3, cr4, invlpg, invpcid */
	OP_RETURN, /* from an interrupt or a fault: iret */
	OP_SEGMENT, /* may change the base of fs: wrmsr, wrfsbase, mov to fs */
};

#define NO_REGISTER       0xff
#define INSTRUCTION_BYTES 15 /* bytes at most */

struct instruction {
	uint8_t operation; /* enum operation */
	uint8_t length; /* of the whole instruction */
	uint8_t size; /* bytes of the operand; of locked instructions only */
	uint8_t base, index,
		scale; /* registers by their numbers: rax 0 … r15 15; scale as a shift */
	uint8_t bit_register; /* bts and its like: the register with the bit's number, far beyond the operand */
	bool relative; /* to the next instruction */
	bool short_address;
	uint8_t segment; /* 0, 'f' or 'g' */
	int32_t displacement;
};

/* Fill in what the `count` bytes at `code` are, one whole instruction. */
void decode(struct instruction *, const uint8_t *code, size_t count);

#endif
