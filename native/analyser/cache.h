/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of the fabric. For each cache and the pool: the store that wrote each byte. Each event
 * changes the model as the plugin changed the nodes' images; the judges see the event before.
 */
#ifndef ANALYSER_CACHE_H
#define ANALYSER_CACHE_H

#include "stream.h"

/* Events must come in the order of their sequence numbers. */
void cache_event(const struct stream_event *event);

#endif
