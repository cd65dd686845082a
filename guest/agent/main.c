// SPDX-License-Identifier: GPL-2.0-or-later
/* Receive requests from the host, run them, send the answers. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PORT      "org.famulus.agent.0"
#define SETTLE_MS 250
#define PAUSE_US  1000
/* Tests define shorter times. */
#ifndef STALL_MS
#define STALL_MS 2000 /* without a byte, until an incomplete request is dropped */
#endif
#ifndef LEISURE_MS
#define LEISURE_MS 15000 /* without a request, until a clone finishes its postponed work */
#endif

/* The bytes received so far of the request: the header line, then the directives, then a NUL. */
static char buffer[HEADER_MAX + REQUEST_MAX + 1];
static size_t filled;
static bool unfinished; /* a clone has postponed work, see finish() */

/*
 * The kernel delivers a host's bytes before it learns that the host has connected: a port may
 * report "hung up" although a host has just sent a request. So the agent tries again until
 * SETTLE_MS are over, and counts pauses instead of reading the clock, because the clock runs on
 * while the machine gets no CPU. Then the answer is dropped, so that the next host does not receive
 * it.
 */
static void answer(int port, const char *text)
{
	size_t length = strlen(text), sent = 0;
	for (unsigned pauses = 0; sent < length && pauses < SETTLE_MS * 1000 / PAUSE_US; pauses++) {
		ssize_t written = write(port, text + sent, length - sent);
		if (written >= 0)
			sent += (size_t)written;
		else if (errno == EAGAIN || errno == EINTR)
			usleep(PAUSE_US);
		else
			return;
	}
}

/* Carry out a request, write the answer into `text` (ANSWER_MAX bytes), return true on success. */
static bool carry_out(char *directives, size_t length, char *text)
{
	struct failure why = {.error = 0};
	if (request_run(directives, length, &why)) {
		snprintf(text, ANSWER_MAX, "error %s: %s\n", why.directive, strerror(why.error));
		return false;
	}
	memcpy(text, "ok ", 4);
	gethostname(text + 3, ANSWER_MAX - 5);
	strcat(text, "\n");
	return true;
}

/* In a machine that is frozen, this function returns only in the clones, once in each. */
static void become_clone(void)
{
	char text[ANSWER_MAX] = "";
	size_t length;
	char *directives = clone_await(&length);
	carry_out(directives, length, text);
	clone_answer(text);
	unfinished = true;
}

/* Do the work that a clone has postponed, so that it answered its first request sooner. */
static void finish(void)
{
	ready_trim();
	clone_done();
	unfinished = false;
}

static void serve(int port, char *directives, size_t length)
{
	static bool ready;
	char text[ANSWER_MAX] = "";
	if (unfinished)
		finish();
	if (carry_out(directives, length, text) && length && !ready) {
		notify_ready(); /* the node has its identity now: sshd may start */
		ready = true;
	}
	answer(port, text);
	if (clone_prepared())
		become_clone();
}

/* Serve each complete request in the buffer. An invalid header empties the buffer. */
static void consume(int port)
{
	char *end;
	while ((end = memchr(buffer, '\n', filled))) {
		size_t length, header = (size_t)(end + 1 - buffer);
		if (header > HEADER_MAX || !request_header(buffer, &length)) {
			filled = 0;
			answer(port, "error not a request of protocol 1\n");
			return;
		}
		if (filled < header + length)
			return;
		serve(port, buffer + header, length);
		filled -= header + length;
		memmove(buffer, buffer + header + length, filled + 1);
	}
	if (filled > HEADER_MAX)
		filled = 0;
}

static void drain(int port)
{
	for (;;) {
		ssize_t got = read(port, buffer + filled, sizeof(buffer) - 1 - filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) /* no more bytes for now, or no host */
			return;
		filled += (size_t)got;
		buffer[filled] = '\0';
		consume(port);
	}
}

/*
 * No byte came for STALL_MS and the request is incomplete: its sender has gone. If a second host
 * connected at once, its complete request follows the first one's bytes; serve that.
 */
static void resume(int port)
{
	for (size_t at = 1, length; at < filled; at++) {
		if (!request_header(buffer + at, &length))
			continue;
		const char *payload = strchr(buffer + at, '\n') + 1;
		if (payload + length != buffer + filled)
			continue;
		filled -= at;
		memmove(buffer, buffer + at, filled + 1);
		consume(port);
		return;
	}
	filled = 0;
}

/*
 * Bring up the card as the host said at an earlier boot: a node that reboots by itself is not told
 * again. A failure is ignored: the host's next request has the last word.
 */
static void recall_link(void)
{
	char line[SAVED_LINK_MAX];
	struct failure why;
	size_t length = saved_link_read(line);
	if (length && request_run(line, length, &why) == 0)
		notify_ready();
}

int main(void)
{
	int port = port_open(PORT);
	if (port < 0) { /* not a node of Famulus: no host will send a request */
		notify_ready();
		return 0;
	}
	/* Edge-triggered: without a host the port is always "hung up", and poll() would spin. */
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, port, &event)) {
		perror("famulus-agent: epoll");
		return 1;
	}
	recall_link();
	for (;;) {
		drain(port);
		int events = epoll_wait(epoll, &event, 1,
					filled       ? STALL_MS
					: unfinished ? LEISURE_MS
						     : -1);
		if (events == 0 && filled)
			resume(port);
		else if (events == 0)
			finish();
		if (events < 0 && errno != EINTR) {
			perror("famulus-agent: epoll_wait");
			return 1;
		}
	}
}
