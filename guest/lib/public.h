/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public headers, with exported symbols: all other symbols are hidden (-fvisibility=hidden).
 * Include this file before any other.
 */
#ifndef FAMULUS_PUBLIC_H
#define FAMULUS_PUBLIC_H

#define _GNU_SOURCE
#pragma GCC visibility push(default)
#include <famulus.h>
#pragma GCC visibility pop

#endif
