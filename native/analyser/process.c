// SPDX-License-Identifier: GPL-2.0-or-later
#include "process.h"

#include "memory.h"

struct process {
	uint64_t number, space;
	uint8_t node;
};

static struct map processes; /* by node and number */

static bool is_same(const void *entry, const void *key)
{
	const struct process *process = entry;
	const struct stream_event *event = key;
	return process->number == event->value && process->node == event->node;
}

static uint64_t hash_of(const struct stream_event *event)
{
	return map_hash_more(map_hash(event->value), event->node);
}

static struct process *find(const struct stream_event *event)
{
	return map_find(&processes, hash_of(event), is_same, event);
}

static struct process *add(const struct stream_event *event)
{
	struct process *process = allocate(sizeof(*process));
	process->number = event->value;
	process->node = event->node;
	process->space = event->space;
	insert(&processes, hash_of(event), process);
	return process;
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
