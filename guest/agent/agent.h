/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * famulus-agent: the program through which the host tells a node who it is.
 *
 * It neither forks nor runs anything: under emulation every new code path costs, and a fabric may
 * have 64 nodes. The protocol over the virtio port `org.famulus.agent.0`:
 *
 *   request   famulus 1 <bytes>\n, then so many bytes of directives (at most REQUEST_MAX)
 *   answer    ok <host name>\n   or   error <what>: <why>\n
 *
 * Directives, a line each:
 *   hostname <name>
 *   machine-id <32 hex digits>
 *   entropy <64 hex digits>
 *   time <seconds>.<microseconds, 6 digits>
 *   link <interface> <mac> <address> <prefix length> <gateway>
 *   plug <PCI address>
 *   listening <TCP port>
 *   password <user> <password>
 *   file <mode, octal> <uid> <gid> <bytes> <path>, then so many bytes and a line feed
 *   sync
 *   poweroff
 * and in a machine that is to be frozen
 *   ready <mode, octal> <uid> <gid> <bytes> <path>
 *   await                                     the last: once it has answered it waits to be a clone
 * and in a clone's first request
 *   began                                     the clock, from when the host says that it began to run
 * One space stands between words; a path and a password are all the rest of their lines. The first
 * directive that fails ends the request. No directives at all is a question for the name. Every
 * directive may be repeated.
 */
#ifndef FAMULUS_AGENT_H
#define FAMULUS_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define REQUEST_MAX (1024 * 1024)
#define ANSWER_MAX  512
#define HEADER_MAX  40
#define READY_MAX   65536

/* Where a directive failed: what it was, and errno. */
struct failure {
	char what[256];
	int error;
};

/* port.c: open the virtio port called `name`; -1 if there is none, or none soon. */
int port_open(const char *name);

/* main.c: take the payload's length from a request's first line */
bool request_header(const char *line, size_t *length);

/* request.c: carry out the directives in `text` (`length` bytes, writable); 0, or -1 and `why`. */
int request_run(char *text, size_t length, struct failure *why);

/* apply.c: one function a directive; 0, or -1 and errno. */
int apply_hostname(const char *name);
int apply_machine_id(const char *id);
int apply_time(const char *text);
int apply_poweroff(void);

/* file.c: close `fd` and return `result`, with the errno of what failed before */
int close_with(int fd, int result);
int apply_file(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
	       size_t length);

/* hex.c: read `count` bytes, with the character `between` them unless that is 0; 0, or -1 and errno */
int hex_bytes(const char *text, unsigned char *bytes, size_t count, char between);

/*
 * ready.c: make a file of `size` line feeds ready, make its pages dirty, fill it (false if it is none
 * of those, or filled already) and, in the end, cut off what is left of the line feeds
 */
int ready_make(mode_t mode, uid_t uid, gid_t gid, const char *path, size_t size);
void ready_touch(void);
bool ready_fill(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
		size_t length);
void ready_trim(void);

/*
 * clone.c: open what a clone will need; wait for a clone's request and return its `length` bytes of directives; answer it; and, when nobody waits, close what was opened
 */
int clone_prepare(void);
bool clone_prepared(void);
char *clone_await(size_t *length);
void clone_answer(const char *text);
void clone_done(void);
int apply_began(void);

/* fresh.c: what a clone must not share with its like */
int apply_entropy(const char *hex);
int fresh_prepare(void);
void fresh_done(void);

/* plug.c: make the kernel find the PCI device at `address` and decode its memory */
int apply_plug(const char *address);

/* password.c */
int apply_password(const char *user, const char *password);

/* link.c: bring up the card, and wait until something listens on a port */
int apply_listening(unsigned port);
int link_prepare(void);
void link_done(void);
int apply_link(const char *interface, const char *mac, const char *address, int prefix,
	       const char *gateway);

/* memory.c: the card's address outlives a reboot that the node makes by itself */
int link_remember(char *words[]);
void link_recall(void);

/* notify.c: tell systemd that the service is ready (sd_notify(3)). */
void notify_ready(void);

#endif
