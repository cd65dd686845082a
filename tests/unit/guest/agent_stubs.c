// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest/agent without a node: the port is a descriptor from the test, and each directive is printed
 * in a line instead of carried out.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int port_open(const char *name)
{
	const char *number = getenv("AGENT_PORT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("port %s\n", name);
	if (!number)
		return -1;
	int port = atoi(number);
	fcntl(port, F_SETFL, O_NONBLOCK);
	return port;
}

void notify_ready(void)
{
	puts("ready");
}

int apply_hostname(const char *name)
{
	if (strcmp(name, "refused") == 0) {
		errno = EPERM;
		return -1;
	}
	printf("hostname %s\n", name);
	return 0;
}

int apply_machine_id(const char *id)
{
	printf("machine-id %s\n", id);
	return 0;
}

int apply_time(const char *text)
{
	printf("time %s\n", text);
	return 0;
}

int apply_file(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data, size_t length)
{
	printf("file %o %u %u %s ", mode, uid, gid, path);
	if (length > 64)
		printf("%zu bytes", length);
	for (size_t i = 0; length <= 64 && i < length; i++)
		printf("%02x", (unsigned char)data[i]);
	puts("");
	return 0;
}

int apply_entropy(const char *hex)
{
	printf("entropy of %zu\n", strlen(hex) / 2);
	return 0;
}

int apply_plug(const char *address)
{
	printf("plug %s\n", address);
	return 0;
}

int ready_make(mode_t mode, uid_t uid, gid_t gid, const char *path, size_t size)
{
	printf("ready %o %u %u %s of %zu\n", mode, uid, gid, path, size);
	return 0;
}

bool ready_fill(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
		size_t length)
{
	(void)mode, (void)uid, (void)gid, (void)path, (void)data, (void)length;
	return false;
}

void ready_trim(void)
{
	puts("trim");
}

/* One process is the frozen machine and its clone: the clone's request is in the environment. */
static bool prepared;

int clone_prepare(void)
{
	puts("await");
	prepared = true;
	return 0;
}

bool clone_prepared(void)
{
	return prepared;
}

char *clone_await(size_t *length)
{
	char *request = getenv("AGENT_CLONE");
	*length = strlen(request);
	return request;
}

void clone_answer(const char *text)
{
	printf("clone: %s", text);
	prepared = false;
}

void clone_done(void)
{
	puts("done");
}

/* Replaces the C library's sync(), which would write back all dirty pages of the host. */
void sync(void)
{
	puts("sync");
}

int apply_began(void)
{
	puts("began");
	return 0;
}

int apply_listening(unsigned port)
{
	printf("listening %u\n", port);
	return 0;
}

int apply_password(const char *user, const char *password)
{
	printf("password of %s: %s\n", user, password);
	return 0;
}

int saved_link_write(char *words[])
{
	printf("save %s\n", words[1]);
	return 0;
}

size_t saved_link_read(char line[SAVED_LINK_MAX])
{
	line[0] = '\0';
	return 0;
}

int apply_poweroff(void)
{
	puts("poweroff");
	return 0;
}

int apply_link(const char *interface, const char *mac, const char *address, int prefix,
	       const char *gateway)
{
	printf("link %s %s %s %d %s\n", interface, mac, address, prefix, gateway);
	return 0;
}
