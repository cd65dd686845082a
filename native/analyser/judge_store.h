/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects of a store and of a write-back. */
#ifndef ANALYSER_JUDGE_STORE_H
#define ANALYSER_JUDGE_STORE_H

#include "line.h"

void judge_store(const struct stream_event *event, const struct copy *copy);
void judge_write_back(const struct copy *copy); /* of the copy's dirty bytes, before it is done */

#endif
