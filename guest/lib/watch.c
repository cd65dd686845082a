// SPDX-License-Identifier: GPL-2.0-or-later
/* Look after the other members: who is silent too long, or has ended on this node, is dead. */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

static uint64_t mixed(uint64_t sum, const void *data, size_t bytes)
{
	for (const unsigned char *byte = data; bytes; bytes--)
		sum = (sum ^ *byte++) * 0x100000001b3ULL; /* FNV-1a */
	return sum;
}

static void read_text(const char *path, char *text, size_t room)
{
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(text, 1, room - 1, file) : 0;
	if (file)
		fclose(file);
	text[length] = '\0';
}

/* Pids mean something only within one boot and one pid namespace of one node. */
uint64_t fam_boot(void)
{
	char id[64];
	struct stat status = {0};
	read_text("/proc/sys/kernel/random/boot_id", id, sizeof(id));
	stat("/proc/self/ns/pid", &status);
	uint64_t sum = mixed(0xcbf29ce484222325ULL, id, strlen(id));
	return mixed(sum, &status.st_ino, sizeof(status.st_ino));
}

/*
 * proc(5): of stat, field 3 is the state, 20 how many threads, 22 the start; the name before them
 * ends with ')'. A process whose first thread has ended is a zombie, but lives while it has others.
 */
uint64_t fam_process_start(uint64_t pid)
{
	char path[40], text[1024], state;
	unsigned long long start;
	int threads;
	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	read_text(path, text, sizeof(text));
	const char *rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
			    " %d %*d %llu",
			    &state, &threads, &start) != 3)
		return 0;
	return (state == 'Z' || state == 'X') && threads < 2 ? 0 : start;
}

/* Tell whether the member of this node in `slot` is known to have ended. */
static bool has_ended(struct fam *fam, struct fam_slot *slot, uint64_t state)
{
	if (fam_load64(&slot->described) !=
	    state >> 1) /* first: then what follows is of this member */
		return false;
	uint64_t pid = fam_load64(&slot->pid), start = fam_load64(&slot->start);
	if (fam_load64(&slot->boot) != fam->boot ||
	    fam_load64(&slot->node) != (uint64_t)fam->node || !start || (int)pid <= 0)
		return false;
	if (kill((int)pid, 0) && errno == ESRCH)
		return true;
	uint64_t found = fam_process_start(pid);
	return found ? found != start : fam_process_start(1) != 0; /* all are hidden, or a zombie */
}

static bool is_silent(struct fam *fam, struct fam_seen *seen, struct fam_seen now)
{
	int limit = __atomic_load_n(&fam->dead_after, __ATOMIC_RELAXED);
	if (seen->state == now.state && seen->beats == now.beats)
		return now.since - seen->since > limit;
	*seen = now;
	return false;
}

static void look_at(struct fam *fam, unsigned index, int64_t now)
{
	struct fam_slot *slot = &fam->slots[index];
	uint64_t state = fam_load64(&slot->state);
	if (!(state & 1) || slot == fam->slot)
		return;
	struct fam_seen found = {state, fam_load64(&slot->beats), now};
	if (is_silent(fam, &fam->seen[index], found) || has_ended(fam, slot, state))
		fam_cas64(&slot->state, &state, state & ~1ULL);
}

/*
 * If this thread itself was held up, the others may have been as well (the host slept): what was
 * seen before says nothing.
 */
void fam_watch(struct fam *fam)
{
	int64_t now = fam_now();
	unsigned used = fam_slots_used(fam);
	if (now - fam->watched > __atomic_load_n(&fam->dead_after, __ATOMIC_RELAXED) / 2)
		memset(fam->seen, 0, sizeof(fam->seen));
	fam->watched = now;
	for (unsigned index = 0; index < used; index++)
		look_at(fam, index, now);
}
