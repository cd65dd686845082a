/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of the fabric: which node's cache and the pool hold which store's bytes. Each event does to the
 * model what the plugin did to the nodes' images; the judges see the event first.
 */
#ifndef ANALYSER_CACHE_H
#define ANALYSER_CACHE_H

#include "stream.h"

/* Events must come in the order of their sequence numbers. */
void cache_event(const struct stream_event *event);

#endif
