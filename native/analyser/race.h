/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data races: conflicting accesses of two nodes that nothing orders. On non-coherent memory a flag
 * may be a plain word: the writer flushes the flag, and readers load it again and again and drop
 * their copies in between. Accesses to a flag race on purpose. A word is a flag if a node has
 * polled the word, or if a node loaded data in the right order after the word that stands for the
 * data. Either fact may turn out after the conflict, so suspected races are kept until the end.
 */
#ifndef ANALYSER_RACE_H
#define ANALYSER_RACE_H

#include "finding.h"
#include "happens_before.h"

/* Keep a data race until race_report; report a finding of another kind at once. */
void race_keep(const struct finding *finding);

/* Mark the bytes of the flag's load and of its store as a flag. */
void race_add_flag(const struct edge *edge);

/*
 * The load polls a word that node `by` stores. `other`: a word that the node loaded between two
 * loads of the poll, or STREAM_NO_OFFSET; if `by` stores at `other` too, the load is no poll.
 */
void race_add_poll(const struct stream_event *load, uint8_t by, uint64_t other);

/* Report the races that no later event excuses: those of two stores. */
void race_settle(void);

/* Report all races but those on flags. */
void race_report(void);

#endif
