/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of kinds in the analyser's output. src/famulus/checker/report/model.py has the same kinds
 * of defects. */
#ifndef ANALYSER_NAMES_H
#define ANALYSER_NAMES_H

#include "finding.h"

#include <stdio.h>

const char *name_of_defect(enum defect_kind kind);
const char *name_of_event(enum stream_event_kind kind);
void names_print_defects(FILE *out); /* a line each, by number */
void names_print_events(FILE *out);

#endif
