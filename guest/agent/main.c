// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PORT "org.famulus.agent.0"
#define HEADER_MAX 40

/* What has come of the request so far: the header line and, behind it, the directives. */
static char buffer[HEADER_MAX + REQUEST_MAX];
static size_t filled;

static void answer(int port, const char *text)
{
	size_t length = strlen(text), sent = 0;
	while (sent < length) {
		ssize_t written = write(port, text + sent, length - sent);
		if (written < 0 && errno != EAGAIN && errno != EINTR)
			return; /* the host has gone; it will ask again */
		if (written < 0)
			poll(&(struct pollfd){ .fd = port, .events = POLLOUT }, 1, 100);
		else
			sent += (size_t)written;
	}
}

static void serve(int port, char *directives, size_t length)
{
	static bool ready;
	char text[ANSWER_MAX], name[65] = "";
	struct failure why = { .error = 0 };
	if (request_run(directives, length, &why)) {
		snprintf(text, sizeof(text), "error %s: %s\n", why.what, strerror(why.error));
	} else {
		gethostname(name, sizeof(name) - 1);
		snprintf(text, sizeof(text), "ok %s\n", name);
	}
	if (length && !why.error && !ready) {
		notify_ready(); /* from now on the node is itself, and sshd may start */
		ready = true;
	}
	answer(port, text);
}

/* Serve what is complete in the buffer. A header that is none empties it. */
static void consume(int port)
{
	char *end;
	while ((end = memchr(buffer, '\n', filled))) {
		size_t length, header = (size_t)(end + 1 - buffer);
		if (sscanf(buffer, "famulus 1 %zu\n", &length) != 1 || length > REQUEST_MAX) {
			filled = 0;
			answer(port, "error not a request of protocol 1\n");
			return;
		}
		if (filled < header + length)
			return;
		serve(port, buffer + header, length);
		filled -= header + length;
		memmove(buffer, buffer + header + length, filled);
	}
	if (filled > HEADER_MAX)
		filled = 0;
}

/* Read until there is nothing more. A host that goes away takes its unfinished request along. */
static void drain(int port)
{
	for (;;) {
		ssize_t got = read(port, buffer + filled, sizeof(buffer) - filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			filled = 0;
		if (got <= 0)
			return;
		filled += (size_t)got;
		consume(port);
	}
}

int main(void)
{
	int port = port_open(PORT);
	if (port < 0) { /* started elsewhere: nobody will tell this machine who it is */
		notify_ready();
		return 0;
	}
	/* Edge-triggered: while the host is away the port is always "hung up", and poll would spin. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, port, &event)) {
		perror("famulus-agent: epoll");
		return 1;
	}
	for (;;) {
		drain(port);
		if (epoll_wait(epoll, &event, 1, -1) < 0 && errno != EINTR) {
			perror("famulus-agent: epoll_wait");
			return 1;
		}
	}
}
