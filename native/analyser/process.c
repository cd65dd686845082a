// SPDX-License-Identifier: GPL-2.0-or-later
#include "process.h"

#include "memory.h"

struct process {
	struct process *next;
	uint64_t number, space;
	uint8_t node;
};

static struct process *processes;

static struct process *find(const struct stream_event *event)
{
	struct process *process = processes;
	while (process && (process->number != event->value || process->node != event->node))
		process = process->next;
	return process;
}

static struct process *add(const struct stream_event *event)
{
	struct process *process = allocate(sizeof(*process));
	process->next = processes;
	process->number = event->value;
	process->node = event->node;
	process->space = event->space;
	return processes = process;
}

uint64_t process_begins(const struct stream_event *event)
{
	struct process *process = find(event);
	if (!process)
		process = add(event);
	uint64_t left = process->space == event->space ? 0 : process->space;
	process->space = event->space;
	return left;
}

uint64_t process_space(const struct stream_event *event)
{
	const struct process *process = find(event);
	return process ? process->space : event->space;
}
