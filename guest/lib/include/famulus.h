/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libfamulus: fabric memory for programs in nodes. cc program.c $(pkg-config --cflags --libs
 * famulus)
 */
#ifndef FAMULUS_H
#define FAMULUS_H

#ifdef __cplusplus
extern "C" {
#endif

#include <famulus/atomic.h>
#include <famulus/flush.h>
#include <famulus/pool.h>
#include <famulus/queue.h>
#include <famulus/region.h>
#include <famulus/sync.h>

#ifdef __cplusplus
}
#endif

#endif
