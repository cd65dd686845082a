// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Conflicting accesses of two nodes that nothing orders. On such memory a flag may be a plain word: its
 * writer flushes it, its readers load it again and again and throw their copies away in between. Such
 * accesses race, and are meant to. A word is a flag when a node has polled it, or when what lies before
 * it was loaded after it, in the right order. That may turn out later than the conflict is seen, so
 * conflicts are kept until the end.
 */
#include "analyser.h"

#include <string.h>

#define PLACES 4096
#define HELD 64 /* suspicions of a node's loads, until its next locked instruction */
#define WORDS_KEPT 64

struct suspect {
	struct suspect *next;
	uint64_t store_pc, other_pc;
	unsigned count;
	struct finding finding[WORDS_KEPT];
	unsigned times[WORDS_KEPT];
};

struct flag {
	struct flag *next;
	uint64_t word;
};

/*
 * A sequence lock's reader loads what may change under it, looks at the lock's word again, and throws
 * away what it has loaded if another node has changed the word meanwhile. So do we. If the word is what it
 * was, but its writer has stored since it changed it, the reader may have found it locked: then what it loads
 * again it has thrown away.
 */
struct held {
	struct finding finding[HELD];
	bool may_be_locked[HELD]; /* the word was looked at since */
	unsigned count;
	uint64_t word, value;
};

/* A poll unless node `by` stores at `other`. */
struct maybe {
	struct maybe *next;
	uint64_t offset, pc, other;
	uint8_t by;
};

static struct maybe *maybes;
static struct suspect *suspects[PLACES];
static struct held held[NODES];
static struct flag *polls[PLACES]; /* instructions that poll */
static struct flag *flags[PLACES];

static bool is_in(struct flag *const *set, uint64_t word)
{
	for (const struct flag *flag = set[word % PLACES]; flag; flag = flag->next)
		if (flag->word == word)
			return true;
	return false;
}

static void add_to(struct flag **set, uint64_t word)
{
	struct flag *flag;
	if (is_in(set, word))
		return;
	flag = get(sizeof(*flag));
	flag->word = word;
	flag->next = set[word % PLACES];
	set[word % PLACES] = flag;
}

void race_flag(uint64_t offset)
{
	add_to(flags, offset >> 3);
}

static void add_poll(uint64_t offset, uint64_t pc)
{
	add_to(flags, offset >> 3);
	add_to(polls, pc);
}

void race_poll(const struct fam_event *load, uint8_t by, uint64_t other)
{
	if (other == FAM_NO_OFFSET) {
		add_poll(load->offset, load->pc);
		return;
	}
	for (struct maybe *maybe = maybes; maybe; maybe = maybe->next)
		if (maybe->offset == load->offset && maybe->pc == load->pc && maybe->other == other)
			return;
	struct maybe *maybe = get(sizeof(*maybe));
	*maybe = (struct maybe){ maybes, load->offset, load->pc, other, by };
	maybes = maybe;
}

static bool has_stored(uint8_t node, uint64_t offset)
{
	struct line *line = line_find(offset);
	struct copy *copy = line ? copy_find(line, node) : NULL;
	return copy && copy_last(copy, offset % LINE >> line->shift);
}

static struct suspect *suspect_of(uint64_t store_pc, uint64_t other_pc)
{
	struct suspect **place = &suspects[(store_pc * 31 + other_pc) % PLACES];
	for (struct suspect *suspect = *place; suspect; suspect = suspect->next)
		if (suspect->store_pc == store_pc && suspect->other_pc == other_pc)
			return suspect;
	struct suspect *suspect = get(sizeof(*suspect));
	suspect->store_pc = store_pc;
	suspect->other_pc = other_pc;
	suspect->next = *place;
	return *place = suspect;
}

static bool is_store(uint8_t kind)
{
	return kind == FAM_EV_STORE || kind == FAM_EV_STORE_NT || kind == FAM_EV_LOCKED;
}

static uint64_t overlap(const struct record *store, const struct fam_event *other)
{
	return bytes_mask(store->offset, store->size) & bytes_mask(other->offset, other->size);
}

static void keep(const struct finding *finding)
{
	struct suspect *suspect = suspect_of(finding->first.pc, finding->second.pc);
	uint64_t word = finding->second.offset >> 3;
	for (unsigned i = 0; i < suspect->count; i++)
		if (suspect->finding[i].second.offset >> 3 == word) {
			suspect->times[i]++;
			return;
		}
	if (suspect->count == WORDS_KEPT)
		return;
	suspect->times[suspect->count] = 1;
	suspect->finding[suspect->count++] = *finding;
}

static void let_go(struct held *of)
{
	for (unsigned i = 0; i < of->count; i++)
		keep(&of->finding[i]);
	of->count = 0;
}

/* Throw away what was loaded since the last look at a word that has changed. */
static void throw_away(struct held *of)
{
	for (unsigned i = 0; i < of->count; i++)
		if (of->may_be_locked[i])
			keep(&of->finding[i]);
	of->count = 0;
}

/* The word is what it was: hold on to what was loaded while its writer went on storing. */
static void hold_on(struct held *of)
{
	const struct line *line = line_find(of->word);
	rec_t changed = line && line->pool ? line->pool[of->word % LINE >> line->shift] : 0;
	unsigned count = of->count;
	of->count = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct fam_event *store = &of->finding[i].first;
		if (records[changed].node != store->node || records[changed].seq >= store->seq) {
			keep(&of->finding[i]);
			continue;
		}
		of->finding[of->count] = of->finding[i];
		of->may_be_locked[of->count++] = true;
	}
}

/* A load that is made again was thrown away, if the word may have been locked. */
void race_load(const struct fam_event *load)
{
	struct held *of = &held[load->node];
	for (unsigned i = of->count; i-- > 0;) {
		const struct fam_event *earlier = &of->finding[i].second;
		if (!of->may_be_locked[i] || earlier->pc != load->pc || earlier->offset != load->offset)
			continue;
		of->count--;
		of->finding[i] = of->finding[of->count];
		of->may_be_locked[i] = of->may_be_locked[of->count];
	}
}

void race_suspect(const struct record *store, const struct fam_event *other, struct line *line)
{
	struct held *of = &held[other->node];
	struct finding finding = { .kind = DATA_RACE, .first = event_of(store), .second = *other,
				   .flush = line->flush, .bytes = overlap(store, other),
				   .line = line->number * LINE };
	if (is_store(other->kind)) {
		keep(&finding);
		return;
	}
	if (of->count == HELD)
		let_go(of);
	of->may_be_locked[of->count] = false;
	of->finding[of->count++] = finding;
}

void race_locked(const struct fam_event *event)
{
	struct held *of = &held[event->node];
	if (of->word == event->offset && of->value != event->old)
		throw_away(of);
	else if (of->word == event->offset && event->value == event->old)
		hold_on(of);
	else
		let_go(of);
	of->word = event->offset;
	of->value = event->value;
}

static bool is_meant(const struct finding *finding)
{
	return !is_store(finding->second.kind) && (is_in(flags, finding->second.offset >> 3) ||
						  is_in(polls, finding->second.pc));
}

static void report(const struct suspect *suspect)
{
	for (unsigned i = 0; i < suspect->count; i++)
		if (!is_meant(&suspect->finding[i]))
			defect_report_times(&suspect->finding[i], suspect->times[i]);
}

void race_report(void)
{
	for (unsigned node = 0; node < NODES; node++)
		let_go(&held[node]);
	for (const struct maybe *maybe = maybes; maybe; maybe = maybe->next)
		if (!has_stored(maybe->by, maybe->other))
			add_poll(maybe->offset, maybe->pc);
	for (unsigned i = 0; i < PLACES; i++)
		for (struct suspect *suspect = suspects[i]; suspect; suspect = suspect->next)
			report(suspect);
}
