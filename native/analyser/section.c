// SPDX-License-Identifier: GPL-2.0-or-later
#include "section.h"

#include "race.h"

#include <string.h>

#define FINDINGS 1024 /* of a node's loads, until the node's next locked instruction that stores */
#define LOOKS    8
#define SECTIONS 64

/* The findings, looks and sections of one node's reader; see section.h. */
struct reader {
	struct finding finding[FINDINGS];
	bool may_be_locked[FINDINGS]; /* the load may have found a word locked */
	bool any_locked;
	unsigned count;
	struct {
		uint64_t word, value, seq;
		uint16_t size;
	} look[LOOKS]; /* the last at each word, since the node's last locked store */
	unsigned looks;
	struct {
		uint64_t from, to, word;
	} section
		[SECTIONS]; /* the last ones; word STREAM_NO_OFFSET: the reader discarded the section */
	unsigned sections;
};

static struct reader readers[NODES]; /* by node */

static void end_section(struct reader *of)
{
	for (unsigned i = 0; i < of->count; i++)
		race_keep(&of->finding[i]);
	of->count = 0;
	of->any_locked = false;
}

/* The writer changed the word before the store of the finding, so the word may be locked. */
static bool may_be_locked(const struct finding *finding, uint64_t word)
{
	const struct line *line = line_find(word);
	rec_t changed = line && line->pool ? line->pool[word % LINE >> line->shift] : 0;
	const struct stream_event *store = &finding->first;
	return record_at(changed)->node == store->node && record_at(changed)->seq < store->seq;
}

/* A defect that depends on a flag is as sure as the flag's load, and goes if the reader discards that load. */
static bool depends_on_loads_since(const struct finding *finding, uint64_t since)
{
	return finding->kind == DATA_RACE || finding->flag_load.seq > since;
}

/*
 * The reader looks at a word again. If the word has changed, discard the findings of loads after the look
 * `since`; if not, note the loads that may have found the word locked.
 */
static void validate(struct reader *of, uint64_t word, uint64_t since, bool changed)
{
	unsigned count = of->count;
	of->count = 0;
	for (unsigned i = 0; i < count; i++) {
		bool is_of = of->finding[i].second.seq > since &&
			     depends_on_loads_since(&of->finding[i], since);
		bool locked = of->may_be_locked[i];
		if (is_of && changed)
			continue;
		of->finding[of->count] = of->finding[i];
		locked |= is_of && may_be_locked(&of->finding[i], word);
		of->may_be_locked[of->count++] = locked;
		of->any_locked |= locked;
	}
}

/* A load that the reader makes again was discarded before, if the word may have been locked. */
void section_load(const struct stream_event *load)
{
	struct reader *of = &readers[load->node];
	for (unsigned i = of->any_locked ? of->count : 0; i-- > 0;) {
		const struct stream_event *earlier = &of->finding[i].second;
		if (!of->may_be_locked[i] || earlier->pc != load->pc ||
		    earlier->offset != load->offset)
			continue;
		of->count--;
		of->finding[i] = of->finding[of->count];
		of->may_be_locked[i] = of->may_be_locked[of->count];
	}
}

static bool has_stored_since(uint8_t node, uint64_t word, uint64_t seq)
{
	return record_at(line_last_store(word, node))->seq > seq;
}

/*
 * Tell whether a load of `node` at `seq`, before the store, lies in a read section that the reader has discarded,
 * or that ended validly before the storing node changed the word: a writer does not wait for readers.
 */
static bool is_excused(uint8_t node, const struct record *store, uint64_t seq)
{
	const struct reader *of = &readers[node];
	for (unsigned i = 0; i < SECTIONS; i++)
		if (seq > of->section[i].from && seq < of->section[i].to && store->seq > seq &&
		    (of->section[i].word == STREAM_NO_OFFSET ||
		     has_stored_since(store->node, of->section[i].word, of->section[i].to)))
			return true;
	return false;
}

static void note_section(struct reader *of, uint64_t word, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < SECTIONS; i++)
		if (of->section[i].to == from && of->section[i].word == word) {
			of->section[i].to = to;
			return;
		}
	of->section[of->sections % SECTIONS].from = from;
	of->section[of->sections % SECTIONS].to = to;
	of->section[of->sections++ % SECTIONS].word = word;
}

/* The reader has looked at a word since the load, and the node that stores only now may have locked the word. */
static bool was_locked(const struct reader *of, const struct finding *finding)
{
	for (unsigned i = 0; i < of->looks; i++)
		if (of->look[i].seq > finding->second.seq &&
		    may_be_locked(finding, of->look[i].word))
			return true;
	return false;
}

void section_add(const struct finding *finding)
{
	struct reader *of = &readers[finding->second.node];
	if (!of->looks) {
		race_keep(finding);
		return;
	}
	if (of->count == FINDINGS)
		end_section(of);
	of->may_be_locked[of->count] = was_locked(of, finding);
	of->any_locked |= of->may_be_locked[of->count];
	of->finding[of->count++] = *finding;
}

/* Return the last place of `look`, for look `i` again or, if `i` is no look, for a new one; the oldest goes. */
static unsigned last_look(struct reader *of, unsigned i)
{
	if (i == of->looks && of->looks < LOOKS)
		return of->looks++;
	if (i == of->looks)
		i = 0;
	memmove(of->look + i, of->look + i + 1, (of->looks - 1 - i) * sizeof(*of->look));
	return of->looks - 1;
}

/* A locked instruction that stores ends the read section; one that does not store is a validation. */
void section_locked(const struct stream_event *event)
{
	struct reader *of = &readers[event->node];
	unsigned i = 0;
	if (event->value != event->old ||
	    event->size > 8) { /* of larger values the second half is unknown */
		end_section(of);
		of->looks = 0;
		return;
	}
	while (i < of->looks &&
	       (of->look[i].word != event->offset || of->look[i].size != event->size))
		i++;
	if (i < of->looks) {
		bool changed = of->look[i].value != event->old;
		validate(of, event->offset, of->look[i].seq, changed);
		note_section(of, changed ? STREAM_NO_OFFSET : event->offset, of->look[i].seq,
			     event->seq);
	}
	i = last_look(of, i);
	of->look[i].word = event->offset;
	of->look[i].value = event->value;
	of->look[i].seq = event->seq;
	of->look[i].size = event->size;
}

void section_end_all(void)
{
	for (unsigned node = 0; node < NODES; node++)
		end_section(&readers[node]);
}

static bool is_store(uint8_t kind)
{
	return kind == STREAM_STORE || kind == STREAM_STORE_NT || kind == STREAM_LOCKED;
}

void section_suspect(const struct record *store, const struct stream_event *other,
		     const struct line *line)
{
	struct finding finding = finding_of(DATA_RACE, store, other, line);
	if (is_store(other->kind))
		race_keep(&finding);
	else if (!is_excused(other->node, store, other->seq))
		section_add(&finding);
}
