/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomics between nodes: 32, 64 and 128 bits.
 *
 * All of these functions, loads and stores too, are locked instructions (Intel SDM 3A, 9.1.2.2): on
 * fabric memory that is not coherent, only locked instructions act on the pool itself and never on
 * a cached line of this node. The atomics are sequentially consistent. While nodes share a word that
 * atomics access, plain instructions must not access the word or any other byte of its 64-byte
 * line.
 *
 * Values must be aligned to their size. The mapping must be writable, even for a load.
 */
#ifndef FAMULUS_ATOMIC_H
#define FAMULUS_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/* Two words that one instruction changes together. */
struct fam_128 {
	uint64_t low, high;
} __attribute__((aligned(16)));

/* Tests define FAM_STORE_HOOK: a function that runs before every store to the pool. */
#ifdef FAM_STORE_HOOK
void FAM_STORE_HOOK(void);
#define FAM_STORES() FAM_STORE_HOOK()
#else
#define FAM_STORES() ((void)0)
#endif

/* Tests that map the pool twice define the distance to the map that locked instructions use. */
#ifdef FAM_REAL_OFFSET
#define FAM_REAL(p) (*(__typeof__(p))((uintptr_t)(p) + FAM_REAL_OFFSET))
#else
#define FAM_REAL(p) (*(p))
#endif

#define FAM_ATOMIC_ASM(bits, suffix) \
	/* Return the value at `p`. */ \
	inline uint##bits##_t fam_load##bits(uint##bits##_t *p) \
	{ \
		uint##bits##_t value = 0; \
		__asm__ volatile("lock xadd" suffix " %0, %1" \
				 : "+r"(value), "+m"(FAM_REAL(p))::"memory"); \
		return value; \
	} \
	/* Add `value` to the value at `p` and return the old value. */ \
	inline uint##bits##_t fam_fetch_add##bits(uint##bits##_t *p, uint##bits##_t value) \
	{ \
		FAM_STORES(); \
		__asm__ volatile("lock xadd" suffix " %0, %1" \
				 : "+r"(value), "+m"(FAM_REAL(p))::"memory"); \
		return value; \
	} \
	/* Store `value` at `p` and return the old value. */ \
	inline uint##bits##_t fam_swap##bits(uint##bits##_t *p, uint##bits##_t value) \
	{ \
		FAM_STORES(); \
		__asm__ volatile("xchg" suffix " %0, %1" \
				 : "+r"(value), "+m"(FAM_REAL(p))::"memory"); \
		return value; \
	} \
	inline void fam_store##bits(uint##bits##_t *p, uint##bits##_t value) \
	{ \
		fam_swap##bits(p, value); \
	} \
	/* If the value at `p` equals `*expected`, store `desired` at `p` and return true. \
	   Otherwise copy the value at `p` to `*expected` and return false. */ \
	inline bool fam_cas##bits(uint##bits##_t *p, uint##bits##_t *expected, \
				  uint##bits##_t desired) \
	{ \
		bool done; \
		FAM_STORES(); \
		__asm__ volatile("lock cmpxchg" suffix " %3, %1" \
				 : "+a"(*expected), "+m"(FAM_REAL(p)), "=@ccz"(done) \
				 : "r"(desired) \
				 : "memory"); \
		return done; \
	}

/* Store the result of the expression `made` of `old`, the value at `p`, and return `old`. */
#define FAM_ATOMIC_LOOP(bits, operation, type, made) \
	inline type fam_fetch_##operation(type *p, type value) \
	{ \
		uint##bits##_t found = fam_load##bits((uint##bits##_t *)p); \
		type old; \
		do { \
			old = (type)found; \
		} while (!fam_cas##bits((uint##bits##_t *)p, &found, (uint##bits##_t)(made))); \
		return old; \
	}

FAM_ATOMIC_ASM(32, "l")
FAM_ATOMIC_ASM(64, "q")
FAM_ATOMIC_LOOP(32, and32, uint32_t, old &value)
FAM_ATOMIC_LOOP(64, and64, uint64_t, old &value)
FAM_ATOMIC_LOOP(32, or32, uint32_t, old | value)
FAM_ATOMIC_LOOP(64, or64, uint64_t, old | value)
FAM_ATOMIC_LOOP(32, xor32, uint32_t, old ^ value)
FAM_ATOMIC_LOOP(64, xor64, uint64_t, old ^ value)
FAM_ATOMIC_LOOP(32, min32, uint32_t, old < value ? old : value)
FAM_ATOMIC_LOOP(64, min64, uint64_t, old < value ? old : value)
FAM_ATOMIC_LOOP(32, max32, uint32_t, old > value ? old : value)
FAM_ATOMIC_LOOP(64, max64, uint64_t, old > value ? old : value)
FAM_ATOMIC_LOOP(32, min_signed32, int32_t, old < value ? old : value)
FAM_ATOMIC_LOOP(64, min_signed64, int64_t, old < value ? old : value)
FAM_ATOMIC_LOOP(32, max_signed32, int32_t, old > value ? old : value)
FAM_ATOMIC_LOOP(64, max_signed64, int64_t, old > value ? old : value)

inline bool fam_cas128(struct fam_128 *p, struct fam_128 *expected, struct fam_128 desired)
{
	bool done;
	FAM_STORES();
	__asm__ volatile("lock cmpxchg16b %2"
			 : "+a"(expected->low), "+d"(expected->high), "+m"(FAM_REAL(p)),
			   "=@ccz"(done)
			 : "b"(desired.low), "c"(desired.high)
			 : "memory");
	return done;
}

inline struct fam_128 fam_load128(struct fam_128 *p)
{
	struct fam_128 value = {0, 0};
	__asm__ volatile("lock cmpxchg16b %2"
			 : "+a"(value.low), "+d"(value.high), "+m"(FAM_REAL(p))
			 : "b"(0ULL), "c"(0ULL)
			 : "cc", "memory");
	return value;
}

inline struct fam_128 fam_swap128(struct fam_128 *p, struct fam_128 value)
{
	struct fam_128 old = fam_load128(p);
	while (!fam_cas128(p, &old, value))
		;
	return old;
}

inline void fam_store128(struct fam_128 *p, struct fam_128 value)
{
	fam_swap128(p, value);
}

#undef FAM_ATOMIC_ASM
#undef FAM_ATOMIC_LOOP
#endif
