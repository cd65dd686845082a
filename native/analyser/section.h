/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read sections of optimistic readers, for example of a sequence lock. The reader loads data that
 * may change meanwhile, then validates: it looks at the lock's word again, and discards all that it
 * has loaded if another node has changed the word. A validation is a locked instruction that stores
 * nothing.
 *
 * Findings of a node's loads are kept until the section's end, and go with the loads that the
 * reader discards, separately for each word that the reader looks at. If the word has not changed,
 * but its writer has stored data after the last change of the word, the reader may have found the
 * word locked: then a load that the reader makes again was discarded.
 */
#ifndef ANALYSER_SECTION_H
#define ANALYSER_SECTION_H

#include "finding.h"

void section_load(const struct stream_event *load);
void section_locked(const struct stream_event *event); /* a validation, or the end of a section */

/* Report the finding unless the reader discards the load, which is `second` or `flag_load`. */
void section_add(const struct finding *finding);

/* Suspect a data race of `store` with `other`, unless a read section excuses the load of the
 * two. */
void section_suspect(const struct record *store, const struct stream_event *other,
		     const struct line *line);

void section_end_all(void);

#endif
