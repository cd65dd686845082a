// SPDX-License-Identifier: GPL-2.0-or-later
#include "race.h"

#include "defect.h"
#include "memory.h"

#define PLACES     4096
#define WORDS_KEPT 256

/* Races of one pair of instructions, at up to WORDS_KEPT places. */
struct suspect {
	struct suspect *next;
	uint64_t store_pc, other_pc;
	unsigned count;
	struct finding finding[WORDS_KEPT];
	unsigned times[WORDS_KEPT];
};

struct flag {
	struct flag *next;
	uint64_t place; /* a byte's offset, or an instruction's address */
};

/* A load that is a poll unless node `by` stores at `other`. */
struct possible {
	struct possible *next;
	uint64_t offset, pc, other;
	uint16_t size;
	uint8_t by;
};

static struct possible *possibles;
static struct suspect *suspects[PLACES];
static struct flag *polls[PLACES]; /* instructions that poll */
static struct flag *flags[PLACES];

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
	flag = allocate(sizeof(*flag));
	flag->place = place;
	flag->next = set[place % PLACES];
	set[place % PLACES] = flag;
}

static void add_bytes(uint64_t offset, uint16_t size)
{
	for (uint16_t at = 0; at < size && size <= 8; at++)
		add_to(flags, offset + at);
}

void race_add_flag(const struct edge *edge)
{
	add_bytes(edge->load.offset, edge->load.size);
	add_bytes(edge->store.offset, edge->store.size);
}

static void add_poll(uint64_t offset, uint16_t size, uint64_t pc)
{
	add_bytes(offset, size);
	add_to(polls, pc);
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

static struct suspect *suspect_of(uint64_t store_pc, uint64_t other_pc)
{
	struct suspect **place = &suspects[(store_pc * 31 + other_pc) % PLACES];
	for (struct suspect *suspect = *place; suspect; suspect = suspect->next)
		if (suspect->store_pc == store_pc && suspect->other_pc == other_pc)
			return suspect;
	struct suspect *suspect = allocate(sizeof(*suspect));
	suspect->store_pc = store_pc;
	suspect->other_pc = other_pc;
	suspect->next = *place;
	return *place = suspect;
}

static bool is_store(uint8_t kind)
{
	return kind == STREAM_STORE || kind == STREAM_STORE_NT || kind == STREAM_LOCKED;
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
	struct suspect *suspect = suspect_of(finding->first.pc, finding->second.pc);
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
	for (const struct possible *possible = possibles; possible; possible = possible->next)
		if (!line_last_store(possible->other, possible->by))
			add_poll(possible->offset, possible->size, possible->pc);
	for (unsigned i = 0; i < PLACES; i++)
		for (struct suspect *suspect = suspects[i]; suspect; suspect = suspect->next)
			for (unsigned k = 0; k < suspect->count; k++)
				report(&suspect->finding[k], suspect->times[k]);
}
