/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The atomics, puts and gets of OpenFAM (API 3.0), over a region in place of a data item:
 *
 *   fam_fetch_add(region, offset, value)   as in its C++; the value's type selects the type
 *   c_fam_fetch_add_int64(fam, region, offset, value, &result)   as in its C
 *
 * Offsets are bytes. If the offset is outside the region or not aligned, the first form is a no-op
 * that returns 0, and the second returns -1. Each call is complete when it returns; fam_quiet() and
 * fam_fence() exist for programs that call them.
 */
#ifndef FAMULUS_COMPAT_OPENFAM_H
#define FAMULUS_COMPAT_OPENFAM_H

#include <famulus.h>
#include <stdint.h>
#include <string.h>

typedef struct fam c_fam;
typedef struct fam_region c_fam_desc;
typedef struct fam_region Fam_Descriptor;

static inline void *fam_openfam_at(Fam_Descriptor *item, uint64_t offset, uint64_t bytes)
{
	if (offset > item->size || bytes > item->size - offset)
		return NULL;
	return (char *)item->base + offset;
}

static inline void *fam_openfam_word(Fam_Descriptor *item, uint64_t offset, uint64_t bytes)
{
	return offset % bytes ? NULL : fam_openfam_at(item, offset, bytes);
}

/* One operation in its three forms; `now` computes the old value from `word` and `value`. */
#define FAM_OPENFAM_OPERATION(operation, type, name, now) \
	static inline int c_fam_fetch_##operation##_##name( \
		c_fam *fam, c_fam_desc *item, uint64_t offset, type value, type *result) \
	{ \
		type *word = fam_openfam_word(item, offset, sizeof(type)); \
		(void)fam; \
		if (!word) \
			return -1; \
		*result = (type)(now); \
		return 0; \
	} \
	static inline int c_fam_##operation##_##name(c_fam *fam, c_fam_desc *item, \
						     uint64_t offset, type value) \
	{ \
		type old; \
		return c_fam_fetch_##operation##_##name(fam, item, offset, value, &old); \
	} \
	static inline type fam_openfam_##operation##_##name(Fam_Descriptor *item, uint64_t offset, \
							    type value) \
	{ \
		type old = 0; \
		c_fam_fetch_##operation##_##name(NULL, item, offset, value, &old); \
		return old; \
	}

#define FAM_OPENFAM_TYPE(type, name, bits, sign) \
	FAM_OPENFAM_OPERATION(add, type, name, \
			      fam_fetch_add##bits((uint##bits##_t *)word, (uint##bits##_t)value)) \
	FAM_OPENFAM_OPERATION(subtract, type, name, \
			      fam_fetch_add##bits((uint##bits##_t *)word, -(uint##bits##_t)value)) \
	FAM_OPENFAM_OPERATION(and, type, name, \
			      fam_fetch_and##bits((uint##bits##_t *)word, (uint##bits##_t)value)) \
	FAM_OPENFAM_OPERATION(or, type, name, \
			      fam_fetch_or##bits((uint##bits##_t *)word, (uint##bits##_t)value)) \
	FAM_OPENFAM_OPERATION(xor, type, name, \
			      fam_fetch_xor##bits((uint##bits##_t *)word, (uint##bits##_t)value)) \
	FAM_OPENFAM_OPERATION(min, type, name, fam_fetch_min##sign##bits(word, value)) \
	FAM_OPENFAM_OPERATION(max, type, name, fam_fetch_max##sign##bits(word, value)) \
	FAM_OPENFAM_OPERATION(set, type, name, \
			      fam_swap##bits((uint##bits##_t *)word, (uint##bits##_t)value)) \
	static inline int c_fam_swap_##name(c_fam *fam, c_fam_desc *item, uint64_t offset, \
					    type value, type *result) \
	{ \
		return c_fam_fetch_set_##name(fam, item, offset, value, result); \
	} \
	static inline int c_fam_fetch_##name(c_fam *fam, c_fam_desc *item, uint64_t offset, \
					     type *result) \
	{ \
		return c_fam_fetch_add_##name(fam, item, offset, 0, result); \
	} \
	static inline type fam_fetch_##name(Fam_Descriptor *item, uint64_t offset) \
	{ \
		return fam_openfam_add_##name(item, offset, 0); \
	} \
	static inline int c_fam_compare_swap_##name(c_fam *fam, c_fam_desc *item, uint64_t offset, \
						    type old, type desired, type *result) \
	{ \
		uint##bits##_t *word = fam_openfam_word(item, offset, sizeof(type)); \
		uint##bits##_t found = (uint##bits##_t)old; \
		(void)fam; \
		if (!word) \
			return -1; \
		fam_cas##bits(word, &found, (uint##bits##_t)desired); \
		*result = (type)found; \
		return 0; \
	} \
	static inline type fam_openfam_compare_swap_##name(Fam_Descriptor *item, uint64_t offset, \
							   type old, type desired) \
	{ \
		type found = 0; \
		c_fam_compare_swap_##name(NULL, item, offset, old, desired, &found); \
		return found; \
	}

FAM_OPENFAM_TYPE(int32_t, int32, 32, _signed)
FAM_OPENFAM_TYPE(int64_t, int64, 64, _signed)
FAM_OPENFAM_TYPE(uint32_t, uint32, 32, )
FAM_OPENFAM_TYPE(uint64_t, uint64, 64, )
#undef FAM_OPENFAM_TYPE
#undef FAM_OPENFAM_OPERATION

#define FAM_OPENFAM_BY(operation, value) \
	_Generic((value), \
		int: fam_openfam_##operation##_int32, \
		unsigned: fam_openfam_##operation##_uint32, \
		long: fam_openfam_##operation##_int64, \
		long long: fam_openfam_##operation##_int64, \
		unsigned long: fam_openfam_##operation##_uint64, \
		unsigned long long: fam_openfam_##operation##_uint64)

#define fam_fetch_add(item, offset, value)      FAM_OPENFAM_BY(add, value)(item, offset, value)
#define fam_fetch_subtract(item, offset, value) FAM_OPENFAM_BY(subtract, value)(item, offset, value)
#define fam_fetch_and(item, offset, value)      FAM_OPENFAM_BY(and, value)(item, offset, value)
#define fam_fetch_or(item, offset, value)       FAM_OPENFAM_BY(or, value)(item, offset, value)
#define fam_fetch_xor(item, offset, value)      FAM_OPENFAM_BY(xor, value)(item, offset, value)
#define fam_fetch_min(item, offset, value)      FAM_OPENFAM_BY(min, value)(item, offset, value)
#define fam_fetch_max(item, offset, value)      FAM_OPENFAM_BY(max, value)(item, offset, value)
#define fam_swap(item, offset, value)           FAM_OPENFAM_BY(set, value)(item, offset, value)
#define fam_compare_swap(item, offset, old, desired) \
	FAM_OPENFAM_BY(compare_swap, old)(item, offset, old, desired)
#define fam_add(item, offset, value)      ((void)fam_fetch_add(item, offset, value))
#define fam_subtract(item, offset, value) ((void)fam_fetch_subtract(item, offset, value))
#define fam_and(item, offset, value)      ((void)fam_fetch_and(item, offset, value))
#define fam_or(item, offset, value)       ((void)fam_fetch_or(item, offset, value))
#define fam_xor(item, offset, value)      ((void)fam_fetch_xor(item, offset, value))
#define fam_min(item, offset, value)      ((void)fam_fetch_min(item, offset, value))
#define fam_max(item, offset, value)      ((void)fam_fetch_max(item, offset, value))
#define fam_set(item, offset, value)      ((void)fam_swap(item, offset, value))

/*
 * Copy to the pool and write back; invalidate and copy from the pool. 0, or -1 if the range is
 * outside the region.
 */
static inline int c_fam_put_blocking(c_fam *fam, void *local, c_fam_desc *item, uint64_t offset,
				     size_t bytes)
{
	void *there = fam_openfam_at(item, offset, bytes);
	(void)fam;
	if (!there)
		return -1;
	memcpy(there, local, bytes);
	fam_writeback(there, bytes);
	return 0;
}

static inline int c_fam_get_blocking(c_fam *fam, void *local, c_fam_desc *item, uint64_t offset,
				     size_t bytes)
{
	void *there = fam_openfam_at(item, offset, bytes);
	(void)fam;
	if (!there)
		return -1;
	fam_invalidate(there, bytes);
	memcpy(local, there, bytes);
	return 0;
}

#define fam_put_blocking(local, item, offset, bytes) \
	c_fam_put_blocking(NULL, local, item, offset, bytes)
#define fam_get_blocking(local, item, offset, bytes) \
	c_fam_get_blocking(NULL, local, item, offset, bytes)

static inline void fam_fence(void)
{
	__asm__ volatile("mfence" ::: "memory");
}

static inline void fam_quiet(void)
{
	fam_fence();
}

#endif
