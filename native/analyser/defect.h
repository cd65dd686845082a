/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects: findings of one kind at the same instructions. The first finding stands for all, which
 * are counted. */
#ifndef ANALYSER_DEFECT_H
#define ANALYSER_DEFECT_H

#include "finding.h"

#include <stdio.h>

void defect_report(const struct finding *finding);
void defect_report_times(const struct finding *finding,
			 unsigned long times); /* times: at one place */
/* Events are lost from now on: new defects are uncertain, and known defects count no more
 * findings. */
void defect_doubt(void);
void defect_print(FILE *out); /* a JSON object a line, in the order of the first findings */

#endif
