// SPDX-License-Identifier: GPL-2.0-or-later
/* What readers may yet throw away, because they look at a word before and after they load. */
#include "analyser.h"

#include <string.h>

#define HELD  1024 /* findings of a node's loads, until its next locked instruction that stores */
#define LOOKS 8
#define VOIDS 64

/*
 * A sequence lock's reader loads what may change under it, looks at the lock's word again, and throws
 * away what it has loaded if another node has changed the word meanwhile. So do we, for each word that it
 * looks at. If the word is what it was, but its writer has stored since it changed it, the reader may have
 * found it locked: then what it loads again it has thrown away.
 */
struct held {
	struct finding finding[HELD];
	bool may_be_locked[HELD]; /* the word was looked at since */
	bool any_locked;
	unsigned count;
	struct {
		uint64_t word, value, seq;
		uint16_t size;
	} look[LOOKS]; /* the last at each word, since a store */
	unsigned looks;
	struct {
		uint64_t from, to, word;
	} done[VOIDS]; /* sections; word STREAM_NO_OFFSET: thrown away */
	unsigned dones;
};

static struct held held[NODES];

static void let_go(struct held *of)
{
	for (unsigned i = 0; i < of->count; i++)
		race_keep(&of->finding[i]);
	of->count = 0;
	of->any_locked = false;
}

/* Has its writer changed the word before it stored? */
static bool may_be_locked(const struct finding *finding, uint64_t word)
{
	const struct line *line = line_find(word);
	rec_t changed = line && line->pool ? line->pool[word % LINE >> line->shift] : 0;
	const struct stream_event *store = &finding->first;
	return records[changed].node == store->node && records[changed].seq < store->seq;
}

/* A defect that a flag told of is as sure as the load of the flag: it goes if that is thrown away, too. */
static bool is_told_since(const struct finding *finding, uint64_t since)
{
	return finding->kind == DATA_RACE || finding->flag_load.seq > since;
}

/*
 * A word was looked at again: throw away what was loaded since the look `since` at it if it has changed,
 * else note what may have been loaded while it was locked.
 */
static void look_again(struct held *of, uint64_t word, uint64_t since, bool changed)
{
	unsigned count = of->count;
	of->count = 0;
	for (unsigned i = 0; i < count; i++) {
		bool is_of =
			of->finding[i].second.seq > since && is_told_since(&of->finding[i], since);
		bool locked = of->may_be_locked[i];
		if (is_of && changed)
			continue;
		of->finding[of->count] = of->finding[i];
		locked |= is_of && may_be_locked(&of->finding[i], word);
		of->may_be_locked[of->count++] = locked;
		of->any_locked |= locked;
	}
}

/* A load that is made again was thrown away, if the word may have been locked. */
void held_load(const struct stream_event *load)
{
	struct held *of = &held[load->node];
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
	struct line *line = line_find(word);
	struct copy *copy = line ? copy_find(line, node) : NULL;
	return copy && records[copy_last(copy, word % LINE >> line->shift)].seq > seq;
}

/*
 * Is the load, which was there before the store, thrown away? Or was it made under a word that had not changed at
 * its end, and that the storing node has changed since: a sequence lock's reader need not be waited for.
 */
bool held_is_over(uint8_t node, const struct record *store, uint64_t seq)
{
	const struct held *of = &held[node];
	for (unsigned i = 0; i < VOIDS; i++)
		if (seq > of->done[i].from && seq < of->done[i].to && store->seq > seq &&
		    (of->done[i].word == STREAM_NO_OFFSET ||
		     has_stored_since(store->node, of->done[i].word, of->done[i].to)))
			return true;
	return false;
}

static void section_ends(struct held *of, uint64_t word, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < VOIDS; i++)
		if (of->done[i].to == from && of->done[i].word == word) {
			of->done[i].to = to;
			return;
		}
	of->done[of->dones % VOIDS].from = from;
	of->done[of->dones % VOIDS].to = to;
	of->done[of->dones++ % VOIDS].word = word;
}

/* Was a word looked at since the load, and may have been locked by who stores only now? */
static bool was_locked(const struct held *of, const struct finding *finding)
{
	for (unsigned i = 0; i < of->looks; i++)
		if (of->look[i].seq > finding->second.seq &&
		    may_be_locked(finding, of->look[i].word))
			return true;
	return false;
}

/* Report it unless its load is thrown away: there is a word that was looked at before. */
void held_add(const struct finding *finding)
{
	struct held *of = &held[finding->second.node];
	if (!of->looks) {
		race_keep(finding);
		return;
	}
	if (of->count == HELD)
		let_go(of);
	of->may_be_locked[of->count] = was_locked(of, finding);
	of->any_locked |= of->may_be_locked[of->count];
	of->finding[of->count++] = *finding;
}

/* The last place, for look `i` made anew or, if there is none such, for another; the oldest gives way. */
static unsigned last_look(struct held *of, unsigned i)
{
	if (i == of->looks && of->looks < LOOKS)
		return of->looks++;
	if (i == of->looks)
		i = 0;
	memmove(of->look + i, of->look + i + 1, (of->looks - 1 - i) * sizeof(*of->look));
	return of->looks - 1;
}

/* What stores ends what was loaded before; what does not is a look. */
void held_locked(const struct stream_event *event)
{
	struct held *of = &held[event->node];
	unsigned i = 0;
	if (event->value != event->old || event->size > 8) { /* of more only half is known */
		let_go(of);
		of->looks = 0;
		return;
	}
	while (i < of->looks &&
	       (of->look[i].word != event->offset || of->look[i].size != event->size))
		i++;
	if (i < of->looks) {
		bool changed = of->look[i].value != event->old;
		look_again(of, event->offset, of->look[i].seq, changed);
		section_ends(of, changed ? STREAM_NO_OFFSET : event->offset, of->look[i].seq,
			     event->seq);
	}
	i = last_look(of, i);
	of->look[i].word = event->offset;
	of->look[i].value = event->value;
	of->look[i].seq = event->seq;
	of->look[i].size = event->size;
}

void held_let_go(void)
{
	for (unsigned node = 0; node < NODES; node++)
		let_go(&held[node]);
}
