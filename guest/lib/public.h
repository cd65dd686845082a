/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library shows: all else is hidden (-fvisibility=hidden). Included before anything. */
#ifndef FAMULUS_PUBLIC_H
#define FAMULUS_PUBLIC_H

#define _GNU_SOURCE
#pragma GCC visibility push(default)
#include <famulus.h>
#pragma GCC visibility pop

#endif
