// SPDX-License-Identifier: GPL-2.0-or-later
#include "decode.h"

#include <string.h>

struct reader {
	const uint8_t *at, *end;
	bool lock, size16, repeat, rex_w;
	uint8_t rex, vex; /* rex: the prefix's low four bits */
};

static uint8_t next(struct reader *r)
{
	return r->at < r->end ? *r->at++ : 0;
}

static bool legacy_prefix(struct reader *r, struct instruction *to, uint8_t byte)
{
	switch (byte) {
	case 0xf0: r->lock = true; return true;
	case 0xf3: r->repeat = true; return true;
	case 0x66: r->size16 = true; return true;
	case 0x67: to->short_address = true; return true;
	case 0x64: to->segment = 'f'; return true;
	case 0x65: to->segment = 'g'; return true;
	case 0xf2:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x26: return true;
	}
	return false;
}

/* Return the opcode; 0x0f xx as 0x0fxx, 0x0f 38 xx as 0x38xx, 0x0f 3a xx as 0x3axx. */
static unsigned opcode(struct reader *r, struct instruction *to)
{
	uint8_t byte = next(r);
	while (legacy_prefix(r, to, byte))
		byte = next(r);
	if ((byte & 0xf0) == 0x40) {
		r->rex = byte & 15;
		r->rex_w = byte & 8;
		byte = next(r);
	}
	if (byte == 0xc5 || byte == 0xc4) {
		uint8_t second = next(r), map = byte == 0xc4 ? second & 31 : 1;
		r->vex = byte;
		if (byte == 0xc4)
			next(r);
		return map == 1 ? 0x0f00u | next(r) : 0xffff;
	}
	if (byte != 0x0f)
		return byte;
	byte = next(r);
	if (byte == 0x38 || byte == 0x3a)
		return (unsigned)byte << 8 | next(r);
	return 0x0f00u | byte;
}

static int32_t number(struct reader *r, unsigned bytes)
{
	uint8_t raw[4] = {0};
	int32_t value;
	for (unsigned i = 0; i < bytes; i++)
		raw[i] = next(r);
	memcpy(&value, raw, 4);
	return bytes == 1 ? (int8_t)raw[0] : value;
}

static void sib(struct reader *r, struct instruction *to, unsigned mod, unsigned *displaced)
{
	uint8_t byte = next(r), index = (byte >> 3 & 7) | (r->rex & 2) << 2;
	to->scale = byte >> 6;
	to->index = index == 4 ? NO_REGISTER : index;
	to->base = (byte & 7) | (r->rex & 1) << 3;
	if ((byte & 7) == 5 && mod == 0) {
		to->base = NO_REGISTER;
		*displaced = 4;
	}
}

/* Read the operand in memory whose first byte is `modrm`. */
static void operand(struct reader *r, struct instruction *to, uint8_t modrm)
{
	unsigned mod = modrm >> 6, rm = modrm & 7, displaced = mod == 1 ? 1 : mod == 2 ? 4 : 0;
	to->base = rm | (r->rex & 1) << 3;
	if (rm == 4) {
		sib(r, to, mod, &displaced);
	} else if (rm == 5 && mod == 0) {
		to->base = NO_REGISTER;
		to->relative = true;
		displaced = 4;
	}
	to->displacement = number(r, displaced);
}

static enum operation group15(const struct reader *r, uint8_t modrm)
{
	bool memory = modrm < 0xc0;
	switch (modrm >> 3 & 7) {
	case 2: return r->repeat && !memory ? OP_SEGMENT : OP_PLAIN; /* wrfsbase */
	case 5: return memory ? OP_PLAIN : OP_LFENCE;
	case 6:
		if (memory)
			return r->size16 ? OP_CLWB : OP_PLAIN;
		return r->size16 || r->repeat ? OP_PLAIN : OP_MFENCE;
	case 7:
		if (memory)
			return r->size16 ? OP_CLFLUSHOPT : OP_CLFLUSH;
		return OP_SFENCE;
	}
	return OP_PLAIN;
}

static enum operation two_bytes(const struct reader *r, unsigned code, uint8_t modrm)
{
	bool memory = modrm < 0xc0;
	switch (code) {
	case 0x0f01: return memory && (modrm >> 3 & 7) == 7 ? OP_TRANSLATION : OP_PLAIN;
	case 0x0f09: return r->repeat ? OP_WBNOINVD : OP_WBINVD;
	case 0x0f22: return OP_TRANSLATION;
	case 0x0f2b:
	case 0x0fe7: return memory ? OP_NT_STORE : OP_PLAIN;
	case 0x0f30: return OP_SEGMENT;
	case 0x0fa2: return OP_CPUID;
	case 0x0fae: return group15(r, modrm);
	case 0x0fc3: return memory && !r->vex ? OP_NT_STORE : OP_PLAIN;
	case 0x0ff7: return !memory ? OP_NT_STORE : OP_PLAIN;
	case 0x3882: return r->size16 ? OP_TRANSLATION : OP_PLAIN;
	}
	return OP_PLAIN;
}

static bool of_bytes(unsigned code)
{
	switch (code) {
	case 0x0fb0:
	case 0x0fc0:
	case 0xf6:
	case 0xfe:
	case 0x80:
	case 0x86: return true;
	}
	return code < 0x40 && !(code & 1);
}

static uint8_t locked_size(const struct reader *r, unsigned code)
{
	if (code == 0x0fc7)
		return r->rex_w ? 16 : 8;
	if (of_bytes(code))
		return 1;
	return r->rex_w ? 8 : r->size16 ? 2 : 4;
}

static void locked(struct reader *r, struct instruction *to, unsigned code, uint8_t modrm)
{
	to->operation = OP_LOCKED;
	to->size = locked_size(r, code);
	if (code == 0x0fab || code == 0x0fb3 || code == 0x0fbb)
		to->bit_register = (modrm >> 3 & 7) | (r->rex & 4) << 1;
}

void decode(struct instruction *to, const uint8_t *code, size_t count)
{
	struct reader r = {.at = code, .end = code + count};
	memset(to, 0, sizeof(*to));
	to->length = (uint8_t)count;
	to->base = to->index = to->bit_register = NO_REGISTER;
	unsigned op = opcode(&r, to);
	uint8_t modrm = r.at < r.end ? *r.at++ : 0xc0;
	if (!r.vex && modrm < 0xc0 && (r.lock || op == 0x86 || op == 0x87))
		locked(&r, to, op, modrm);
	else if (op == 0x8e && (modrm >> 3 & 7) == 4)
		to->operation = OP_SEGMENT;
	else if (op == 0xcf)
		to->operation = OP_RETURN;
	else if (op > 0xff)
		to->operation = two_bytes(&r, op, modrm);
	if (to->operation != OP_PLAIN && modrm < 0xc0)
		operand(&r, to, modrm);
}
