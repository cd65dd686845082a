/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects of a process that ends: stores that no write-back or no fence has brought to the pool. */
#ifndef ANALYSER_JUDGE_EXIT_H
#define ANALYSER_JUDGE_EXIT_H

#include <stdint.h>

/* The process of `node` with the page tables `space` ends. */
void judge_exit(uint8_t node, uint64_t space);

#endif
