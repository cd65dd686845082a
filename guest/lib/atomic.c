// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The functions of atomic.h as symbols, for callers without inlining: other languages, and gcc -O0.
 */
#include "public.h"

#define EXPORT(bits) \
	extern inline uint##bits##_t fam_load##bits(uint##bits##_t *); \
	extern inline uint##bits##_t fam_fetch_add##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline uint##bits##_t fam_swap##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline void fam_store##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline bool fam_cas##bits(uint##bits##_t *, uint##bits##_t *, uint##bits##_t); \
	extern inline uint##bits##_t fam_fetch_and##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline uint##bits##_t fam_fetch_or##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline uint##bits##_t fam_fetch_xor##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline uint##bits##_t fam_fetch_min##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline uint##bits##_t fam_fetch_max##bits(uint##bits##_t *, uint##bits##_t); \
	extern inline int##bits##_t fam_fetch_min_signed##bits(int##bits##_t *, int##bits##_t); \
	extern inline int##bits##_t fam_fetch_max_signed##bits(int##bits##_t *, int##bits##_t)

EXPORT(32);
EXPORT(64);
extern inline bool fam_cas128(struct fam_128 *, struct fam_128 *, struct fam_128);
extern inline struct fam_128 fam_load128(struct fam_128 *);
extern inline struct fam_128 fam_swap128(struct fam_128 *, struct fam_128);
extern inline void fam_store128(struct fam_128 *, struct fam_128);
