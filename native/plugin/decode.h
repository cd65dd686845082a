/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decode the instructions that matter to caches, and their operands in memory. Pure. 64-bit code
 * only. Encodings: Intel SDM 2A, chapter 2 (prefixes, ModRM, SIB, VEX) and the instructions' own
 * pages. */
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
	OP_NT_STORE, /* a non-temporal store */
	OP_CPUID, /* serialises; the launcher sends messages with cpuid, see says.h */
	OP_TRANSLATION, /* may forget address translations: cr0, cr3, cr4, invlpg, invpcid */
	OP_RETURN, /* from an interrupt or a fault: iret */
	OP_SEGMENT, /* may change the base of fs: wrmsr, wrfsbase, mov to fs */
};

#define NO_REGISTER       0xff
#define INSTRUCTION_BYTES 15 /* bytes at most */

struct instruction {
	uint8_t operation; /* enum operation */
	uint8_t length; /* bytes of the whole instruction */
	uint8_t size; /* bytes of the operand; for locked instructions only */
	uint8_t base, index,
		scale; /* registers by number, rax 0 ... r15 15; the scale as a shift */
	uint8_t bit_register; /* bts, btr, btc: the register with the bit's number */
	bool relative; /* the displacement counts from the next instruction */
	bool short_address;
	uint8_t segment; /* 0, 'f' or 'g' */
	int32_t displacement;
};

/* Decode the `count` bytes at `code`, which are one whole instruction. */
void decode(struct instruction *, const uint8_t *code, size_t count);

#endif
