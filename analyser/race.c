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
#define HELD 1024 /* suspicions of a node's loads, until its next locked instruction that stores */
#define LOOKS 8
#define VOIDS 64
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
	uint64_t place; /* a byte, or an instruction */
};

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
	struct { uint64_t word, value, seq; } look[LOOKS]; /* the last at each word, since a store */
	unsigned looks;
	struct { uint64_t from, to, word; } done[VOIDS]; /* sections; word FAM_NO_OFFSET: thrown away */
	unsigned dones;
};

/* A poll unless node `by` stores at `other`. */
struct maybe {
	struct maybe *next;
	uint64_t offset, pc, other;
	uint16_t size;
	uint8_t by;
};

static struct maybe *maybes;
static struct suspect *suspects[PLACES];
static struct held held[NODES];
static struct flag *polls[PLACES]; /* instructions that poll */
static struct flag *flags[PLACES];

static uint64_t overlap(const struct record *store, const struct fam_event *other)
{
	return bytes_mask(store->offset, store->size) & bytes_mask(other->offset, other->size);
}

static bool is_in(struct flag *const *set, uint64_t place)
{
	for (const struct flag *flag = set[place % PLACES]; flag; flag = flag->next)
		if (flag->place == place)
			return true;
	return false;
}

static void add_to(struct flag **set, uint64_t place)
{
	struct flag *flag;
	if (is_in(set, place))
		return;
	flag = get(sizeof(*flag));
	flag->place = place;
	flag->next = set[place % PLACES];
	set[place % PLACES] = flag;
}

static void add_bytes(uint64_t offset, uint16_t size)
{
	for (uint16_t at = 0; at < size && size <= 8; at++)
		add_to(flags, offset + at);
}

/* What it was loaded and stored with. */
void race_flag(const struct edge *edge)
{
	add_bytes(edge->load.offset, edge->load.size);
	add_bytes(edge->store.offset, edge->store.size);
}

static void add_poll(uint64_t offset, uint16_t size, uint64_t pc)
{
	add_bytes(offset, size);
	add_to(polls, pc);
}

void race_poll(const struct fam_event *load, uint8_t by, uint64_t other)
{
	if (other == FAM_NO_OFFSET) {
		add_poll(load->offset, load->size, load->pc);
		return;
	}
	for (struct maybe *maybe = maybes; maybe; maybe = maybe->next)
		if (maybe->offset == load->offset && maybe->pc == load->pc && maybe->other == other)
			return;
	struct maybe *maybe = get(sizeof(*maybe));
	*maybe = (struct maybe){ maybes, load->offset, load->pc, other, load->size, by };
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

static bool is_of_one(const struct fam_event *a, const struct fam_event *b)
{
	return a->offset == b->offset && a->size == b->size && a->node == b->node;
}

static void keep(const struct finding *finding)
{
	if (finding->kind != DATA_RACE) {
		defect_report(finding);
		return;
	}
	struct suspect *suspect = suspect_of(finding->first.pc, finding->second.pc);
	for (unsigned i = 0; i < suspect->count; i++)
		if (is_of_one(&suspect->finding[i].second, &finding->second)) {
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
	of->any_locked = false;
}

/* Has its writer changed the word before it stored? */
static bool may_be_locked(const struct finding *finding, uint64_t word)
{
	const struct line *line = line_find(word);
	rec_t changed = line && line->pool ? line->pool[word % LINE >> line->shift] : 0;
	const struct fam_event *store = &finding->first;
	return records[changed].node == store->node && records[changed].seq < store->seq;
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
		bool is_of = of->finding[i].second.seq > since;
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
void race_load(const struct fam_event *load)
{
	struct held *of = &held[load->node];
	for (unsigned i = of->any_locked ? of->count : 0; i-- > 0;) {
		const struct fam_event *earlier = &of->finding[i].second;
		if (!of->may_be_locked[i] || earlier->pc != load->pc || earlier->offset != load->offset)
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
static bool is_over(const struct held *of, const struct record *store, uint64_t seq)
{
	for (unsigned i = 0; i < VOIDS; i++)
		if (seq > of->done[i].from && seq < of->done[i].to && store->seq > seq &&
		    (of->done[i].word == FAM_NO_OFFSET ||
		     has_stored_since(store->node, of->done[i].word, of->done[i].to)))
			return true;
	return false;
}

static void section_ends(struct held *of, uint64_t word, uint64_t from, uint64_t to)
{
	unsigned last = (of->dones + VOIDS - 1) % VOIDS;
	if (of->done[last].to == from && of->done[last].word == word) {
		of->done[last].to = to;
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
		if (of->look[i].seq > finding->second.seq && may_be_locked(finding, of->look[i].word))
			return true;
	return false;
}

/* Report it unless its load is thrown away: there is a word that was looked at before. */
void race_hold(const struct finding *finding)
{
	struct held *of = &held[finding->second.node];
	if (!of->looks) {
		keep(finding);
		return;
	}
	if (of->count == HELD)
		let_go(of);
	of->may_be_locked[of->count] = was_locked(of, finding);
	of->any_locked |= of->may_be_locked[of->count];
	of->finding[of->count++] = *finding;
}

void race_suspect(const struct record *store, const struct fam_event *other, struct line *line)
{
	struct finding finding = { .kind = DATA_RACE, .first = event_of(store), .second = *other,
				   .flush = line->flush, .bytes = overlap(store, other),
				   .line = line->number * LINE };
	if (is_store(other->kind))
		keep(&finding);
	else if (!is_over(&held[other->node], store, other->seq))
		race_hold(&finding);
}

/* The place for a word that was not looked at; the oldest look is forgotten if there is no room. */
static unsigned next_look(struct held *of)
{
	if (of->looks < LOOKS)
		return of->looks++;
	memmove(of->look, of->look + 1, (LOOKS - 1) * sizeof(*of->look));
	return LOOKS - 1;
}

/* What stores ends what was loaded before; what does not is a look. */
void race_locked(const struct fam_event *event)
{
	struct held *of = &held[event->node];
	unsigned i = 0;
	if (event->value != event->old) {
		let_go(of);
		of->looks = 0;
		return;
	}
	while (i < of->looks && of->look[i].word != event->offset)
		i++;
	if (i < of->looks) {
		bool changed = of->look[i].value != event->old;
		look_again(of, event->offset, of->look[i].seq, changed);
		section_ends(of, changed ? FAM_NO_OFFSET : event->offset, of->look[i].seq, event->seq);
	} else {
		i = next_look(of);
	}
	of->look[i].word = event->offset;
	of->look[i].value = event->value;
	of->look[i].seq = event->seq;
}

static bool is_flag(const struct finding *finding)
{
	for (unsigned at = 0; at < LINE; at++)
		if (finding->bytes >> at & 1 && !is_in(flags, finding->line + at))
			return false;
	return finding->bytes != 0;
}

static void report(struct finding *finding, unsigned times)
{
	bool is_load = !is_store(finding->second.kind);
	if (is_load && is_flag(finding))
		return;
	finding->polls = is_load && is_in(polls, finding->second.pc);
	defect_report_times(finding, times);
}

void race_report(void)
{
	for (unsigned node = 0; node < NODES; node++)
		let_go(&held[node]);
	for (const struct maybe *maybe = maybes; maybe; maybe = maybe->next)
		if (!has_stored(maybe->by, maybe->other))
			add_poll(maybe->offset, maybe->size, maybe->pc);
	for (unsigned i = 0; i < PLACES; i++)
		for (struct suspect *suspect = suspects[i]; suspect; suspect = suspect->next)
			for (unsigned k = 0; k < suspect->count; k++)
				report(&suspect->finding[k], suspect->times[k]);
}
