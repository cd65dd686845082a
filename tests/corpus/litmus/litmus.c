// SPDX-License-Identifier: GPL-2.0-or-later
/* Run one node's part of a litmus test, on all nodes at once:
 * litmus FILE NODE NODES RUNS OFFSET PHASE START
 *
 * PHASE is the number of `kill` and `stop` lines that FILE has before the part. START counts the
 * program's starts from 0 on; from the second start on, one node is late in all runs, and the next
 * node in the next start.
 *
 * README.md describes FILE. Prints a line for each run: the registers that this node has loaded.
 */
#define _GNU_SOURCE
#include <famulus_uapi.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define LINE     64
#define NAMES    32
#define STEPS    64
#define MEETINGS 64 /* lines for sync: 16 nodes, four phases */
#define LATE     2000 /* times as long as the other nodes: milliseconds */
#define CROWD    4096 /* lines that `crowd` loads: more than a bounded cache holds */

enum operation {
	STORE,
	NT,
	LOAD,
	ADD,
	XCHG,
	CLFLUSH,
	CLFLUSHOPT,
	CLWB,
	SFENCE,
	MFENCE,
	LFENCE,
	WBINVD,
	CROWDED,
	SYNC,
	COPY,
	UNKNOWN
};

static const char *const operations[] = {
	"store",  "nt",     "load",   "add",    "xchg",  "clflush", "clflushopt", "clwb",
	"sfence", "mfence", "lfence", "wbinvd", "crowd", "sync",    "copy",
};

struct step {
	enum operation operation;
	unsigned offset; /* bytes from the run's first line to the variable */
	uint64_t value;
	int reg; /* -1: none */
};

struct test {
	char variable[NAMES][16], reg[NAMES][16];
	unsigned offset[NAMES], variables, regs, lines, steps;
	struct step step[STEPS];
};

static struct test test;
static uint64_t result[NAMES];
static char *pool; /* from OFFSET on: MEETINGS lines, the runs' lines, the crowd's lines */
static volatile uint64_t *flags; /* of this phase, a line for each node: its number of syncs */
static int device;
static uint64_t random_state, met;
static unsigned node, nodes, start;

static void fails(const char *subject)
{
	perror(subject);
	exit(1);
}

/* --- the file -------------------------------------------------------------------------------- */

static unsigned variable(const char *name)
{
	for (unsigned i = 0; i < test.variables; i++)
		if (!strcmp(test.variable[i], name))
			return test.offset[i];
	fprintf(stderr, "no line has the variable '%s'\n", name);
	exit(1);
}

static int reg(const char *name)
{
	if (!*name)
		return -1;
	snprintf(test.reg[test.regs], sizeof(test.reg[0]), "%s", name);
	return (int)test.regs++;
}

static void read_line(char *names)
{
	unsigned in_line = 0;
	for (char *name = strtok(names, " \t\n"); name; name = strtok(NULL, " \t\n")) {
		snprintf(test.variable[test.variables], sizeof(test.variable[0]), "%s", name);
		test.offset[test.variables++] = test.lines * LINE + 8 * in_line++;
	}
	test.lines++;
}

static enum operation operation(const char *name)
{
	for (unsigned i = 0; i < UNKNOWN; i++)
		if (!strcmp(operations[i], name))
			return i;
	fprintf(stderr, "there is no operation '%s'\n", name);
	exit(1);
}

static bool stores(enum operation operation)
{
	return operation == STORE || operation == NT || operation == XCHG || operation == ADD ||
	       operation == COPY;
}

/* OPERATION [VARIABLE [VALUE] [REGISTER]] */
static void read_step(const char *text)
{
	char word[4][16] = {""};
	struct step *step = &test.step[test.steps++];
	int words = sscanf(text, "%15s %15s %15s %15s", word[0], word[1], word[2], word[3]);
	step->operation = operation(word[0]);
	step->offset = words > 1 ? variable(word[1]) : 0;
	bool has_value = stores(step->operation);
	step->value = has_value ? strtoull(word[2], NULL, 0) : 0;
	step->reg = reg(has_value ? word[3] : word[2]);
}

static void read_test(const char *path, unsigned wanted)
{
	char text[256], word[16];
	unsigned of = 0, is, phase = 0;
	FILE *file = fopen(path, "r");
	if (!file)
		fails(path);
	while (fgets(text, sizeof(text), file)) {
		text[strcspn(text, "#")] = 0;
		if (sscanf(text, "%15s", word) != 1)
			continue;
		if (!strcmp(word, "line"))
			read_line(strstr(text, "line") + 4);
		else if (!strcmp(word, "kill") || !strcmp(word, "stop"))
			phase++;
		else if (sscanf(text, "node %u", &is) == 1)
			of = is;
		else if (of == node && phase == wanted && (*text == ' ' || *text == '\t'))
			read_step(text);
	}
	fclose(file);
}

/* --- a run ----------------------------------------------------------------------------------- */

#define FLUSH(at) __asm__ volatile("clflush %0" : "+m"(*(at))::"memory")

/* Use plain flags, because locked instructions may act on the node's own cache. The fence orders
 * the test's own instructions, too. */
static void meet(void)
{
	__asm__ volatile("mfence" ::: "memory");
	flags[(node - 1) * (LINE / 8)] = ++met;
	FLUSH(&flags[(node - 1) * (LINE / 8)]);
	for (unsigned i = 0; i < nodes; i++)
		while (flags[i * (LINE / 8)] < met) {
			FLUSH(&flags[i * (LINE / 8)]);
			sched_yield();
		}
}

static void loiter(void)
{
	bool is_late = start && start % nodes + 1 == node;
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	for (volatile unsigned i = (random_state >> 55) * (is_late ? LATE : 1); i; i--)
		;
}

static void crowd(void)
{
	volatile char *at = pool + (4 << 20);
	for (unsigned i = 0; i < CROWD; i++)
		(void)at[i * LINE];
}

static void copy(volatile uint64_t *to, uint64_t value)
{
	uint64_t count = 1, *from = &value;
	__asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(count)::"memory");
}

#define ON(instruction) __asm__ volatile(instruction " %0" : "+m"(*at)::"memory")

static uint64_t take_step(const struct step *step, volatile uint64_t *at)
{
	uint64_t value = step->value;
	switch (step->operation) {
	case STORE: *at = value; break;
	case NT: __asm__ volatile("movnti %1, %0" : "=m"(*at) : "r"(value) : "memory"); break;
	case LOAD: value = *at; break;
	case ADD: __asm__ volatile("lock xaddq %0, %1" : "+r"(value), "+m"(*at)::"memory"); break;
	case XCHG: __asm__ volatile("xchgq %0, %1" : "+r"(value), "+m"(*at)::"memory"); break;
	case CLFLUSH: ON("clflush"); break;
	case CLFLUSHOPT: ON("clflushopt"); break;
	case CLWB: ON("clwb"); break;
	case SFENCE: __asm__ volatile("sfence" ::: "memory"); break;
	case MFENCE: __asm__ volatile("mfence" ::: "memory"); break;
	case LFENCE: __asm__ volatile("lfence" ::: "memory"); break;
	case WBINVD:
		if (ioctl(device, FAMULUS_WBINVD))
			fails("wbinvd");
		break;
	case CROWDED: crowd(); break;
	case SYNC: meet(); break;
	case COPY: copy(at, value); break;
	case UNKNOWN: break;
	}
	return value;
}

static void run(char *lines)
{
	for (unsigned i = 0; i < test.steps; i++) {
		const struct step *step = &test.step[i];
		uint64_t value = take_step(step, (uint64_t *)(lines + step->offset));
		if (step->reg >= 0)
			result[step->reg] = value;
	}
}

static void print(unsigned number)
{
	printf("%u", number);
	for (unsigned i = 0; i < test.regs; i++)
		printf(" %s=%llu", test.reg[i], (unsigned long long)result[i]);
	putchar('\n');
}

/* Make all lines zeros, and have no node hold a line. */
static void begin(char *first, size_t bytes, bool clear)
{
	if (clear)
		memset(first, 0, bytes);
	for (size_t i = 0; i < bytes; i += LINE)
		FLUSH(&first[i]);
	meet();
	for (size_t i = 0; i < bytes; i += LINE)
		FLUSH(&first[i]);
	meet();
}

int main(int count, char **arguments)
{
	if (count != 8)
		return fprintf(stderr, "litmus FILE NODE NODES RUNS OFFSET PHASE START\n"), 2;
	unsigned runs = (unsigned)atoi(arguments[4]), phase = (unsigned)atoi(arguments[6]);
	node = (unsigned)atoi(arguments[2]);
	nodes = (unsigned)atoi(arguments[3]);
	start = (unsigned)atoi(arguments[7]);
	random_state = ((uint64_t)start * MEETINGS + node) * 0x9e3779b97f4a7c15;
	read_test(arguments[1], phase);
	device = open("/dev/fam0", O_RDWR);
	pool = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, device, atoll(arguments[5]));
	if (device < 0 || pool == MAP_FAILED)
		fails("/dev/fam0");
	flags = (uint64_t *)(pool + phase * (MEETINGS / 4) * LINE);
	char *first = pool + MEETINGS * LINE;
	if (phase == 0)
		begin(first, (size_t)runs * test.lines * LINE, node == 1);
	for (unsigned i = 0; i < runs; i++) {
		meet();
		loiter();
		run(first + (size_t)i * test.lines * LINE);
		print(i);
	}
	meet();
	return 0;
}
