/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of HPE's libfam-atomic (version 2), so that its programs compile unchanged:
 * cc program.c $(pkg-config --cflags --libs famulus-compat), without -lfam_atomic.
 *
 * As with libfam-atomic, the caller keeps atomics in lines of their own and flushes all other data.
 */
#ifndef FAMULUS_COMPAT_FAM_ATOMIC_H
#define FAMULUS_COMPAT_FAM_ATOMIC_H

#include <famulus.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* libfam-atomic requires the registration of a region; here any mapping of the pool works. */
static inline int fam_atomic_register_region(void *start, size_t length, int fd, off_t offset)
{
	(void)start, (void)length, (void)fd, (void)offset;
	return 0;
}

static inline void fam_atomic_unregister_region(void *start, size_t length)
{
	(void)start, (void)length;
}

#define FAM_ATOMIC_TWO(bits, name, ours) \
	static inline int##bits##_t fam_atomic_##bits##_##name(int##bits##_t *address, \
							       int##bits##_t value) \
	{ \
		return (int##bits##_t)ours((uint##bits##_t *)address, (uint##bits##_t)value); \
	}

#define FAM_ATOMIC_BITS(bits) \
	FAM_ATOMIC_TWO(bits, fetch_add, fam_fetch_add##bits) \
	FAM_ATOMIC_TWO(bits, fetch_and, fam_fetch_and##bits) \
	FAM_ATOMIC_TWO(bits, fetch_or, fam_fetch_or##bits) \
	FAM_ATOMIC_TWO(bits, fetch_xor, fam_fetch_xor##bits) \
	FAM_ATOMIC_TWO(bits, swap, fam_swap##bits) \
	static inline int##bits##_t fam_atomic_##bits##_read(int##bits##_t *address) \
	{ \
		return (int##bits##_t)fam_load##bits((uint##bits##_t *)address); \
	} \
	static inline void fam_atomic_##bits##_write(int##bits##_t *address, int##bits##_t value) \
	{ \
		fam_store##bits((uint##bits##_t *)address, (uint##bits##_t)value); \
	} \
	/* Return the old value: if it equals `compare`, `store` was stored. */ \
	static inline int##bits##_t fam_atomic_##bits##_compare_store( \
		int##bits##_t *address, int##bits##_t compare, int##bits##_t store) \
	{ \
		uint##bits##_t found = (uint##bits##_t)compare; \
		fam_cas##bits((uint##bits##_t *)address, &found, (uint##bits##_t)store); \
		return (int##bits##_t)found; \
	}

FAM_ATOMIC_BITS(32)
FAM_ATOMIC_BITS(64)
#undef FAM_ATOMIC_BITS
#undef FAM_ATOMIC_TWO

static inline struct fam_128 fam_atomic_128_value(const int64_t value[2])
{
	return (struct fam_128){(uint64_t)value[0], (uint64_t)value[1]};
}

static inline void fam_atomic_128_result(struct fam_128 value, int64_t result[2])
{
	memcpy(result, &value, sizeof(value));
}

static inline void fam_atomic_128_read(int64_t *address, int64_t result[2])
{
	fam_atomic_128_result(fam_load128((struct fam_128 *)address), result);
}

static inline void fam_atomic_128_write(int64_t *address, int64_t value[2])
{
	fam_store128((struct fam_128 *)address, fam_atomic_128_value(value));
}

static inline void fam_atomic_128_swap(int64_t *address, int64_t value[2], int64_t result[2])
{
	struct fam_128 *word = (struct fam_128 *)address;
	fam_atomic_128_result(fam_swap128(word, fam_atomic_128_value(value)), result);
}

static inline void fam_atomic_128_compare_store(int64_t *address, int64_t compare[2],
						int64_t store[2], int64_t result[2])
{
	struct fam_128 found = fam_atomic_128_value(compare);
	fam_cas128((struct fam_128 *)address, &found, fam_atomic_128_value(store));
	fam_atomic_128_result(found, result);
}

/*
 * The fair ticket lock of libfam-atomic, without an owner: a node that dies with the lock keeps the
 * lock for ever.
 */
struct fam_spinlock {
	uint64_t head_tail; /* the ticket that has the lock; << 32: the next ticket */
};

#define FAM_SPINLOCK_INITIALIZER ((struct fam_spinlock){0})

static inline void fam_spin_lock_init(struct fam_spinlock *lock)
{
	fam_store64(&lock->head_tail, 0);
}

static inline void fam_spin_lock(struct fam_spinlock *lock)
{
	uint64_t ticket = fam_fetch_add64(&lock->head_tail, 1ULL << 32) >> 32;
	while ((uint32_t)fam_load64(&lock->head_tail) != ticket)
		__builtin_ia32_pause();
}

static inline bool fam_spin_trylock(struct fam_spinlock *lock)
{
	uint64_t found = fam_load64(&lock->head_tail);
	return found >> 32 == (uint32_t)found &&
	       fam_cas64(&lock->head_tail, &found, found + (1ULL << 32));
}

/* Add to the low 32 bits alone: a carry must not change the next ticket. */
static inline void fam_spin_unlock(struct fam_spinlock *lock)
{
	fam_fetch_add32((uint32_t *)&lock->head_tail, 1);
}

#endif
