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
	} section[SECTIONS]; /* the last; word STREAM_NO_OFFSET: discarded */
	unsigned sections;
};

static struct reader readers[NODES]; /* by node */

static void end_section(struct reader *reader)
{
	for (unsigned i = 0; i < reader->count; i++)
		race_keep(&reader->finding[i]);
	reader->count = 0;
	reader->any_locked = false;
}

/* The writer changed the word before the store of the finding, so the word may be locked. */
static bool may_be_locked(const struct finding *finding, uint64_t word)
{
	const struct line *line = line_find(word);
	rec_t changed = line && line->pool ? line->pool[word % LINE >> line->shift] : 0;
	const struct stream_event *store = &finding->first;
	return record_at(changed)->node == store->node && record_at(changed)->seq < store->seq;
}

/* A defect that depends on a flag is as sure as the flag's load, and goes if the reader discards
 * that load. */
static bool depends_on_loads_since(const struct finding *finding, uint64_t since)
{
	return finding->kind == DATA_RACE || finding->flag_load.seq > since;
}

/*
 * The reader looks at a word again. If the word has changed, discard the findings of loads after
 * the look `since`; if not, note the loads that may have found the word locked.
 */
static void validate(struct reader *reader, uint64_t word, uint64_t since, bool changed)
{
	unsigned count = reader->count;
	reader->count = 0;
	for (unsigned i = 0; i < count; i++) {
		bool is_inside = reader->finding[i].second.seq > since &&
				 depends_on_loads_since(&reader->finding[i], since);
		bool locked = reader->may_be_locked[i];
		if (is_inside && changed)
			continue;
		reader->finding[reader->count] = reader->finding[i];
		locked |= is_inside && may_be_locked(&reader->finding[i], word);
		reader->may_be_locked[reader->count++] = locked;
		reader->any_locked |= locked;
	}
}

/* A load that the reader makes again was discarded before, if the word may have been locked. */
void section_load(const struct stream_event *load)
{
	struct reader *reader = &readers[load->node];
	for (unsigned i = reader->any_locked ? reader->count : 0; i-- > 0;) {
		const struct stream_event *earlier = &reader->finding[i].second;
		if (!reader->may_be_locked[i] || earlier->pc != load->pc ||
		    earlier->offset != load->offset)
			continue;
		reader->count--;
		reader->finding[i] = reader->finding[reader->count];
		reader->may_be_locked[i] = reader->may_be_locked[reader->count];
	}
}

static bool has_stored_since(uint8_t node, uint64_t word, uint64_t seq)
{
	return record_at(line_last_store(word, node))->seq > seq;
}

/*
 * Tell whether a load of `node` at `seq`, before the store, lies in a read section that the reader
 * has discarded, or that ended validly before the storing node changed the word: a writer does not
 * wait for readers.
 */
static bool is_excused(uint8_t node, const struct record *store, uint64_t seq)
{
	const struct reader *reader = &readers[node];
	for (unsigned i = 0; i < SECTIONS; i++)
		if (seq > reader->section[i].from && seq < reader->section[i].to &&
		    store->seq > seq &&
		    (reader->section[i].word == STREAM_NO_OFFSET ||
		     has_stored_since(store->node, reader->section[i].word, reader->section[i].to)))
			return true;
	return false;
}

static void note_section(struct reader *reader, uint64_t word, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < SECTIONS; i++)
		if (reader->section[i].to == from && reader->section[i].word == word) {
			reader->section[i].to = to;
			return;
		}
	reader->section[reader->sections % SECTIONS].from = from;
	reader->section[reader->sections % SECTIONS].to = to;
	reader->section[reader->sections++ % SECTIONS].word = word;
}

/* The reader has looked at a word since the load, and the node that stores only now may have locked
 * the word. */
static bool was_locked(const struct reader *reader, const struct finding *finding)
{
	for (unsigned i = 0; i < reader->looks; i++)
		if (reader->look[i].seq > finding->second.seq &&
		    may_be_locked(finding, reader->look[i].word))
			return true;
	return false;
}

void section_add(const struct finding *finding)
{
	struct reader *reader = &readers[finding->second.node];
	if (!reader->looks) {
		race_keep(finding);
		return;
	}
	if (reader->count == FINDINGS)
		end_section(reader);
	reader->may_be_locked[reader->count] = was_locked(reader, finding);
	reader->any_locked |= reader->may_be_locked[reader->count];
	reader->finding[reader->count++] = *finding;
}

/* Return the last place of `look`, for look `i` again or, if `i` is no look, for a new look; the
 * oldest goes. */
static unsigned last_look(struct reader *reader, unsigned i)
{
	if (i == reader->looks && reader->looks < LOOKS)
		return reader->looks++;
	if (i == reader->looks)
		i = 0;
	memmove(reader->look + i, reader->look + i + 1,
		(reader->looks - 1 - i) * sizeof(*reader->look));
	return reader->looks - 1;
}

/* A locked instruction that stores ends the read section; one that does not store is a
 * validation. */
void section_locked(const struct stream_event *event)
{
	struct reader *reader = &readers[event->node];
	unsigned i = 0;
	/* Only the first 8 bytes of a value are known. */
	if (event->value != event->old || event->size > 8) {
		end_section(reader);
		reader->looks = 0;
		return;
	}
	while (i < reader->looks &&
	       (reader->look[i].word != event->offset || reader->look[i].size != event->size))
		i++;
	if (i < reader->looks) {
		bool changed = reader->look[i].value != event->old;
		validate(reader, event->offset, reader->look[i].seq, changed);
		note_section(reader, changed ? STREAM_NO_OFFSET : event->offset,
			     reader->look[i].seq, event->seq);
	}
	i = last_look(reader, i);
	reader->look[i].word = event->offset;
	reader->look[i].value = event->value;
	reader->look[i].seq = event->seq;
	reader->look[i].size = event->size;
}

void section_end_all(void)
{
	for (unsigned node = 0; node < NODES; node++)
		end_section(&readers[node]);
}

void section_suspect(const struct record *store, const struct stream_event *other,
		     const struct line *line)
{
	struct finding finding = finding_of(DATA_RACE, store, other, line);
	if (event_stores(other))
		race_keep(&finding);
	else if (!is_excused(other->node, store, other->seq))
		section_add(&finding);
}
