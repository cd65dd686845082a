/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the host. No function returns NULL: the program ends if the host has no memory left. */
#ifndef ANALYSER_MEMORY_H
#define ANALYSER_MEMORY_H

#include <stddef.h>

void *allocate(size_t bytes); /* zeros */
void *resize(void *old, size_t elements, size_t size);

#endif
