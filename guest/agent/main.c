// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PORT       "org.famulus.agent.0"
#define SETTLE_MS  250
#define PAUSE_US   1000
#define STALL_MS   2000
#define LEISURE_MS 15000
#define HEADER     "famulus 1 "

/* What has come of the request so far: the header line and, behind it, the directives; then a NUL. */
static char buffer[HEADER_MAX + REQUEST_MAX + 1];
static size_t filled;
static bool unfinished; /* a clone still has to do what can wait */

/*
 * The kernel learns that a host has come or gone later than it hands on what that host sent: a port
 * that says "hung up" may have a host that has just asked. Only one that says so for SETTLE_MS is
 * believed, by pauses and not by the clock, which runs on when the machine gets no CPU. An answer nobody
 * fetches is then dropped, so that it does not reach who asks next.
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

/* Carry out a request and put the answer into `text` (ANSWER_MAX bytes); tell whether it went well. */
static bool carry_out(char *directives, size_t length, char *text)
{
	struct failure why = {.error = 0};
	if (request_run(directives, length, &why)) {
		snprintf(text, ANSWER_MAX, "error %s: %s\n", why.what, strerror(why.error));
		return false;
	}
	memcpy(text, "ok ", 4);
	gethostname(text + 3, ANSWER_MAX - 5);
	strcat(text, "\n");
	return true;
}

/* In a machine to be frozen this ends in its clones only, and in each of them. */
static void become_clone(void)
{
	char text[ANSWER_MAX] = "";
	size_t length;
	char *directives = clone_await(&length);
	carry_out(directives, length, text);
	clone_answer(text);
	unfinished = true;
}

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
		notify_ready(); /* from now on the node is itself, and sshd may start */
		ready = true;
	}
	answer(port, text);
	if (clone_prepared())
		become_clone();
}

/* Take the payload's length from a header line, which ends with a line feed. */
bool request_header(const char *line, size_t *length)
{
	char *end;
	if (strncmp(line, HEADER, strlen(HEADER)) != 0)
		return false;
	line += strlen(HEADER);
	*length = strtoul(line, &end, 10);
	return *line >= '0' && *line <= '9' && *end == '\n' && *length <= REQUEST_MAX;
}

/* Serve what is complete in the buffer. A header that is none empties it. */
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
		if (got <= 0) /* nothing more for now, or no host */
			return;
		filled += (size_t)got;
		buffer[filled] = '\0';
		consume(port);
	}
}

/*
 * Nothing has come for STALL_MS and the request is not whole: its sender has gone. If another came at
 * once, the kernel saw no pause between them, and that one's request stands at the end.
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

int main(void)
{
	int port = port_open(PORT);
	if (port < 0) { /* started elsewhere: nobody will tell this machine who it is */
		notify_ready();
		return 0;
	}
	/* Edge-triggered: while the host is away the port is always "hung up", and poll would spin. */
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, port, &event)) {
		perror("famulus-agent: epoll");
		return 1;
	}
	link_recall();
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
