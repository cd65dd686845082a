// SPDX-License-Identifier: GPL-2.0-or-later
/* Which page tables are which process's: a process ends by its number, told by its launcher. */
#include "analyser.h"

struct process {
	struct process *next;
	uint64_t number, space;
	uint8_t node;
};

static struct process *processes;

static struct process **find(const struct stream_event *event)
{
	struct process **place = &processes;
	while (*place && ((*place)->number != event->value || (*place)->node != event->node))
		place = &(*place)->next;
	return place;
}

static void end_of(const struct stream_event *event, uint64_t space)
{
	struct stream_event end = *event;
	end.space = space;
	judge_exit(&end);
}

/* One that runs another program has new page tables, and what it had stored in the old ones is left. */
void process_begins(const struct stream_event *event)
{
	struct process **place = find(event);
	if (!*place) {
		*place = get(sizeof(**place));
		(*place)->number = event->value;
		(*place)->node = event->node;
	} else if ((*place)->space != event->space) {
		end_of(event, (*place)->space);
	}
	(*place)->space = event->space;
}

void process_ends(const struct stream_event *event)
{
	const struct process *process = *find(event);
	end_of(event, process ? process->space : event->space);
}
