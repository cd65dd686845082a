/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * famulus-agent: the program in a node that carries out the host's requests. The host tells a node
 * its name, its addresses and its keys through the agent.
 *
 * The agent neither forks nor runs other programs: under emulation each new code path costs time,
 * and a fabric may have 64 nodes. The protocol over the virtio port `org.famulus.agent.0`:
 *
 *   request   famulus 1 <bytes>\n, then <bytes> bytes of directives (at most REQUEST_MAX)
 *   answer    ok <host name>\n   or   error <directive>: <reason>\n
 *
 * Directives, one a line:
 *   hostname <name>
 *   machine-id <32 hex digits>
 *   entropy <64 hex digits>
 *   time <seconds>.<microseconds, 6 digits>
 *   link <interface> <mac> <address> <prefix length> <gateway>
 *   plug <PCI address>
 *   listening <TCP port>
 *   password <user> <password>
 *   file <mode, octal> <uid> <gid> <bytes> <path>, then <bytes> bytes and a line feed
 *   sync
 *   poweroff
 * and in a machine that is to be frozen
 *   ready <mode, octal> <uid> <gid> <bytes> <path>
 *   await                         the last one: after its answer the agent waits to be a clone
 * and in a clone's first request
 *   began                         set the clock from the time at which the clone began to run
 * One space separates words; a path and a password extend to the ends of their lines. The first
 * directive that fails ends the request. A request without directives asks for the host name. A
 * request may repeat a directive.
 */
#ifndef FAMULUS_AGENT_H
#define FAMULUS_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define REQUEST_MAX    (1024 * 1024)
#define ANSWER_MAX     512
#define HEADER_MAX     40
#define READY_MAX      65536
#define SAVED_LINK_MAX 512

/* The directive that failed, and errno. */
struct failure {
	char directive[256];
	int error;
};

/* Each function `apply_...` carries out one directive. Returns 0, or -1 with errno set. */

/*
 * clone.c: the first request of a clone. Open the devices that a clone needs; tell whether they are
 * open; wait for the clone's request and return its directives (`length` bytes); send the answer;
 * when no program waits any more, close the devices.
 */
int clone_prepare(void);
bool clone_prepared(void);
char *clone_await(size_t *length);
void clone_answer(const char *text);
void clone_done(void);
int apply_began(void);

/* entropy.c: seed the kernel's random numbers, which clones must not share. */
int apply_entropy(const char *hex);
int entropy_prepare(void);
void entropy_done(void);

/* file.c: write a whole file or nothing; close `fd` and return `result` with errno unchanged. */
int file_write(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
	       size_t length);
int close_with(int fd, int result);

/*
 * hex.c: read `count` bytes from hexadecimal text, with the character `between` every two bytes (0:
 * none). Returns 0, or -1 with errno set.
 */
int hex_bytes(const char *text, unsigned char *bytes, size_t count, char between);

/* link.c: configure the network card. */
int link_prepare(void);
void link_done(void);
int apply_link(const char *interface, const char *mac, const char *address, int prefix,
	       const char *gateway);

/* listening.c: wait until a program listens on a TCP port. */
int apply_listening(unsigned port);

/* notify.c: tell systemd that the service is ready (sd_notify(3)). */
void notify_ready(void);

/* password.c: set a user's password. */
int apply_password(const char *user, const char *password);

/* plug.c: make the kernel find the PCI device at `address` and enable its memory. */
int apply_plug(const char *address);

/*
 * ready_file.c: files that a snapshot holds ready. Make a file of `size` line feeds and map it;
 * make its pages dirty; fill it (false if `path` is no ready file, is filled already, or has
 * another owner, mode or too little room); in the end, cut off the line feeds that are left.
 * apply_file() fills a ready file, or writes the file if there is none.
 */
int ready_make(mode_t mode, uid_t uid, gid_t gid, const char *path, size_t size);
void ready_touch(void);
bool ready_fill(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
		size_t length);
void ready_trim(void);
int apply_file(mode_t mode, uid_t uid, gid_t gid, const char *path, const char *data,
	       size_t length);

/* request.c: carry out the directives in `text` (`length` bytes, writable). 0, or -1 and `why`. */
int request_run(char *text, size_t length, struct failure *why);

/* request_header.c: read the payload's length from a request's first line; false if it is none. */
bool request_header(const char *line, size_t *length);

/*
 * saved_link.c: save the words of a `link` directive on the disk; read the directive back and
 * return its length (0 if none is saved).
 */
int saved_link_write(char *words[]);
size_t saved_link_read(char line[SAVED_LINK_MAX]);

/* system.c: the host name, the machine id, the clock, and the power. */
int apply_hostname(const char *name);
int apply_machine_id(const char *id);
int apply_time(const char *text);
int apply_poweroff(void);

/*
 * virtio_port.c: open the virtio port called `name`; -1 if none of that name appears in 5 seconds.
 */
int port_open(const char *name);

#endif
