/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAMULUS_FAILS_H
#define FAMULUS_FAILS_H

/* Write `subject` and errno's message to standard error. Returns 1, the tool's exit status for an
 * error. */
int fails(const char *subject);

#endif
