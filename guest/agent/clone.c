// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first moments of a clone. The machine is frozen while this program polls an I/O port of QEMU;
 * so a clone continues here at once, and reads its request from that port. No interrupt, no
 * scheduler and no driver is needed for that.
 *
 * The request is an item of fw_cfg (QEMU's docs/specs/fw_cfg.rst), empty in the machine that is
 * frozen. Through the second serial port the host sends the time at which the clone began to run,
 * and receives the answer.
 */
#include "agent.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>

#define ITEM      "opt/org.famulus/request"
#define SELECT    0x510
#define DATA      0x511
#define DIRECTORY 0x19

/* A 16550 UART as QEMU emulates it: it sends each byte at once. */
#define SERIAL       0x2f8
#define FIFO_CONTROL 2
#define FIFO_ENABLE  1
#define LINE_STATUS  5
#define DATA_READY   1

#define CALM_US   200000 /* until the activity that the last answer caused is over */
#define TIMEOUT_S 10 /* until the host has sent the time at which the clone began to run */
#define SECOND    1000000000L

struct entry {
	uint32_t size;
	uint16_t key, reserved;
	char name[56];
};

static void read_item(void *to, size_t length)
{
	__asm__ volatile("rep insb" : "+D"(to), "+c"(length) : "d"(DATA) : "memory");
}

static uint16_t find_item(void)
{
	struct entry entry;
	uint32_t count;
	outw(DIRECTORY, SELECT);
	read_item(&count, sizeof(count));
	for (count = __builtin_bswap32(count); count; count--) {
		read_item(&entry, sizeof(entry));
		if (strncmp(entry.name, ITEM, sizeof(entry.name)) == 0)
			return __builtin_bswap16(entry.key);
	}
	return 0;
}

static struct timespec seen; /* monotonic time of the last poll for the request */
static uint16_t request_key; /* 0 unless the machine is to be frozen */
static char request[REQUEST_MAX + 1];

/* With SCHED_FIFO, all other processes of a clone wait until this program sleeps. */
static void go_first(int policy, int priority)
{
	struct sched_param wanted = {.sched_priority = priority};
	if (sched_setscheduler(0, policy, &wanted))
		perror("famulus-agent: sched_setscheduler"); /* the only effect: slower clones */
}

int clone_prepare(void)
{
	if (iopl(3))
		return -1;
	request_key = find_item();
	if (request_key == 0) {
		errno = ENODEV;
		return -1;
	}
	outb(FIFO_ENABLE, SERIAL + FIFO_CONTROL);
	return link_prepare() || entropy_prepare() ? -1 : 0;
}

bool clone_prepared(void)
{
	return request_key != 0;
}

/*
 * Poll once for a request. If the machine is frozen between two bytes, the clone reads an invalid
 * header; then it polls again.
 */
static bool poll_request(size_t *length)
{
	char line[HEADER_MAX];
	clock_gettime(CLOCK_MONOTONIC, &seen);
	outw(request_key, SELECT);
	for (size_t i = 0; i < sizeof(line); i++) {
		line[i] = (char)inb(DATA);
		if (line[i] == '\n')
			return request_header(line, length);
	}
	return false;
}

char *clone_await(size_t *length)
{
	usleep(CALM_US);
	go_first(SCHED_FIFO, 1);
	memset(request, '\0', sizeof(request)); /* allocate its pages now, not in the clone */
	ready_touch();
	while (!poll_request(length))
		;
	read_item(request, *length);
	return request;
}

void clone_answer(const char *text)
{
	size_t length = strlen(text);
	__asm__ volatile("rep outsb" : "+S"(text), "+c"(length) : "d"(SERIAL) : "memory");
	request_key = 0;
}

void clone_done(void)
{
	iopl(0);
	go_first(SCHED_OTHER, 0);
	link_done();
	entropy_done();
}

static int read_line(char *line, size_t most)
{
	struct timespec now;
	for (size_t i = 0; i < most; i++) {
		while (!(inb(SERIAL + LINE_STATUS) & DATA_READY)) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			if (now.tv_sec - seen.tv_sec > TIMEOUT_S) {
				errno = ETIMEDOUT;
				return -1;
			}
		}
		line[i] = (char)inb(SERIAL);
		if (line[i] == '\n') {
			line[i] = '\0';
			return 0;
		}
	}
	errno = EINVAL;
	return -1;
}

/* Wall time is the host's start time plus the monotonic time since then. */
int apply_began(void)
{
	char line[HEADER_MAX], *micro;
	struct timespec now, wanted;
	if (request_key == 0) {
		errno = EINVAL;
		return -1;
	}
	if (read_line(line, sizeof(line)))
		return -1;
	wanted.tv_sec = strtoll(line, &micro, 10);
	wanted.tv_nsec = *micro ? strtol(micro + 1, NULL, 10) * 1000 : 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	wanted.tv_sec += now.tv_sec - seen.tv_sec;
	wanted.tv_nsec += now.tv_nsec - seen.tv_nsec;
	if (wanted.tv_nsec < 0) {
		wanted.tv_nsec += SECOND;
		wanted.tv_sec--;
	}
	wanted.tv_sec += wanted.tv_nsec / SECOND;
	wanted.tv_nsec %= SECOND;
	return clock_settime(CLOCK_REALTIME, &wanted);
}
