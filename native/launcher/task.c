// SPDX-License-Identifier: GPL-2.0-or-later
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct task *tasks;

struct task *task_find(pid_t task)
{
	struct task *known = tasks;
	while (known && known->task != task)
		known = known->next;
	return known;
}

pid_t task_status(pid_t task, const char *key)
{
	char path[64], line[256];
	int number = 0;
	size_t length = strlen(key);
	snprintf(path, sizeof(path), "/proc/%d/status", task);
	FILE *file = fopen(path, "re");
	while (file && !number && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			number = atoi(line + length + 1);
	if (file)
		fclose(file);
	return number;
}

struct task *task_get(pid_t task)
{
	struct task *known = task_find(task);
	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (!known) {
		perror("launch");
		exit(126);
	}
	pid_t group = task_status(task, "Tgid");
	*known = (struct task){.next = tasks, .task = task, .group = group ? group : task};
	return tasks = known;
}

void task_forget(struct task *task)
{
	struct task **place = &tasks;
	while (*place != task)
		place = &(*place)->next;
	*place = task->next;
	free(task);
}

bool task_is_process(pid_t group)
{
	for (const struct task *task = tasks; task; task = task->next)
		if (task->group == group)
			return true;
	return false;
}
