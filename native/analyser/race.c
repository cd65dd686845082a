// SPDX-License-Identifier: GPL-2.0-or-later
#include "race.h"

#include "defect.h"
#include "memory.h"

#define WORDS_KEPT 256

/* Races of one pair of instructions, at up to WORDS_KEPT places. */
struct suspect {
	struct suspect *next;
	unsigned count;
	struct finding finding[WORDS_KEPT];
	unsigned times[WORDS_KEPT];
};

/* A load that is a poll unless node `by` stores at `other`. */
struct possible {
	struct possible *next;
	uint64_t offset, pc, other;
	uint16_t size;
	uint8_t by;
};

static struct possible *possibles;
static struct map pairs; /* suspects by both instructions */
static struct suspect *suspects, **end = &suspects; /* in the order of their first conflicts */
static struct map polls; /* a set of instructions that poll */
static struct map flags; /* a set of bytes */

static bool is_in(const struct map *set, uint64_t key)
{
	return map_find(set, map_hash(key), NULL, NULL);
}

static void add_to(struct map *set, uint64_t key)
{
	if (!is_in(set, key))
		insert(set, map_hash(key), set);
}

static void add_bytes(uint64_t offset, uint16_t size)
{
	for (uint16_t at = 0; at < size && size <= 8; at++)
		add_to(&flags, offset + at);
}

void race_add_flag(const struct edge *edge)
{
	add_bytes(edge->load.offset, edge->load.size);
	add_bytes(edge->store.offset, edge->store.size);
}

static void add_poll(uint64_t offset, uint16_t size, uint64_t pc)
{
	add_bytes(offset, size);
	add_to(&polls, pc);
}

void race_add_poll(const struct stream_event *load, uint8_t by, uint64_t other)
{
	if (other == STREAM_NO_OFFSET) {
		add_poll(load->offset, load->size, load->pc);
		return;
	}
	for (struct possible *possible = possibles; possible; possible = possible->next)
		if (possible->offset == load->offset && possible->pc == load->pc &&
		    possible->other == other)
			return;
	struct possible *possible = allocate(sizeof(*possible));
	*possible = (struct possible){possibles, load->offset, load->pc, other, load->size, by};
	possibles = possible;
}

static bool is_pair(const void *entry, const void *key)
{
	const struct suspect *suspect = entry;
	const struct finding *finding = key;
	return suspect->finding[0].first.pc == finding->first.pc &&
	       suspect->finding[0].second.pc == finding->second.pc;
}

static struct suspect *suspect_of(const struct finding *finding)
{
	uint64_t hash = map_hash_more(map_hash(finding->first.pc), finding->second.pc);
	struct suspect *suspect = map_find(&pairs, hash, is_pair, finding);
	if (suspect)
		return suspect;
	suspect = *end = allocate(sizeof(*suspect));
	end = &suspect->next;
	insert(&pairs, hash, suspect);
	return suspect;
}

static bool is_same_access(const struct stream_event *a, const struct stream_event *b)
{
	return a->offset == b->offset && a->size == b->size && a->node == b->node;
}

void race_keep(const struct finding *finding)
{
	if (finding->kind != DATA_RACE) {
		defect_report(finding);
		return;
	}
	struct suspect *suspect = suspect_of(finding);
	for (unsigned i = 0; i < suspect->count; i++)
		if (is_same_access(&suspect->finding[i].second, &finding->second)) {
			suspect->times[i]++;
			return;
		}
	if (suspect->count == WORDS_KEPT)
		return;
	suspect->times[suspect->count] = 1;
	suspect->finding[suspect->count++] = *finding;
}

static bool is_flag(const struct finding *finding)
{
	for (unsigned at = 0; at < LINE; at++)
		if (finding->bytes >> at & 1 && !is_in(&flags, finding->line + at))
			return false;
	return finding->bytes != 0;
}

void race_settle(void)
{
	for (struct suspect *suspect = suspects; suspect; suspect = suspect->next)
		for (unsigned k = 0; k < suspect->count; k++)
			if (event_stores(&suspect->finding[k].second)) {
				defect_report_times(&suspect->finding[k], suspect->times[k]);
				suspect->times[k] = 0;
			}
}

static void report(struct finding *finding, unsigned times)
{
	bool is_load = !event_stores(&finding->second);
	if (!times || (is_load && is_flag(finding)))
		return;
	finding->polls = is_load && is_in(&polls, finding->second.pc);
	defect_report_times(finding, times);
}

void race_report(void)
{
	for (const struct possible *possible = possibles; possible; possible = possible->next)
		if (!line_last_store(possible->other, possible->by))
			add_poll(possible->offset, possible->size, possible->pc);
	for (struct suspect *suspect = suspects; suspect; suspect = suspect->next)
		for (unsigned k = 0; k < suspect->count; k++)
			report(&suspect->finding[k], suspect->times[k]);
}
