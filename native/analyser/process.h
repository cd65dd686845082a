/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables (`space`) of processes. The launcher names a process by number when the process
 * begins and ends, and a process has new page tables after execve(2).
 */
#ifndef ANALYSER_PROCESS_H
#define ANALYSER_PROCESS_H

#include "stream.h"

/* Note a process. Return the page tables that the process had before and has left; 0: none. */
uint64_t process_begins(const struct stream_event *event);

/* Return the page tables of the process that ends. */
uint64_t process_space(const struct stream_event *event);

#endif
