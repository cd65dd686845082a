/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included before a program that check_nodes.c runs: its flush instructions are calls. */
#include <emmintrin.h>

void test_clflush(void *address);
void test_clflushopt(void *address);
void test_clwb(void *address);
void test_sfence(void);
void test_mfence(void);
void test_stream(long long *address, long long value);

#define _mm_clflush     test_clflush
#define _mm_clflushopt  test_clflushopt
#define _mm_clwb        test_clwb
#define _mm_sfence      test_sfence
#define _mm_mfence      test_mfence
#define _mm_stream_si64 test_stream
