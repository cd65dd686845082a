/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages from programs in the node to the plugin: see says.h. */
#ifndef FAMULUS_MESSAGE_H
#define FAMULUS_MESSAGE_H

#include "cpu.h"

/* A program runs cpuid: a message if eax says so, and always a fence, except for SAYS_LINE. */
void message_receive(struct cpu *, const struct site *);

#endif
