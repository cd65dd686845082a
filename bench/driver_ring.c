// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time of a message to another node and its answer: by a ring, over TCP, or by an event of the
 * library.
 *
 * driver_ring bell|bell-echo PEER ROUNDS, driver_ring tcp|tcp-echo ADDRESS ROUNDS, driver_ring
 * event|event-echo - ROUNDS. Start the echo first, in the other node; kill bell-echo afterwards.
 * Prints the microseconds of a round trip, for each tenth of the rounds.
 */
#include <arpa/inet.h>
#include <famulus.h>
#include <fcntl.h>
#include <famulus_uapi.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PORT   7007
#define TENTHS 10

#define TIMEOUT 60000 /* milliseconds */

static struct famulus_ring peer;
static int fd;
static struct fam *fam;
static struct fam_event *event;
static uint64_t turn; /* the event is ours while its count is odd (1), or even (0) */

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void send_bell(void)
{
	check(ioctl(fd, FAMULUS_RING, &peer) < 0, "ring");
}

static void wait_bell(void)
{
	uint64_t heard;
	check(read(fd, &heard, sizeof(heard)) != sizeof(heard), "read");
}

static void send_tcp(void)
{
	check(write(fd, "", 1) != 1, "write");
}

static void wait_tcp(void)
{
	char byte;
	check(read(fd, &byte, 1) != 1, "read");
}

static void send_event(void)
{
	check(fam_event_notify(fam, event) < 0, "notify");
}

static void wait_event(void)
{
	uint64_t seen;
	while ((seen = fam_event_read(event)) % 2 != turn)
		check(fam_event_wait(fam, event, seen, TIMEOUT) < 0, "wait");
}

/* The asking side has the even turns, and begins. */
static void open_event(uint64_t own)
{
	struct fam_region *region;
	check(fam_open(&fam, NULL) < 0, "fam_open");
	check(fam_region_obtain(fam, "driver_ring", FAM_LINE, 0660, &region) < 0, "region");
	event = region->base;
	turn = own;
}

static void open_bell(const char *number)
{
	peer.peer = (unsigned)atoi(number);
	fd = open("/dev/fam0", O_RDWR);
	check(fd < 0, "/dev/fam0");
}

/* Ring until the first answer: the echo may not listen yet. */
static void greet_bell(void)
{
	struct pollfd answer = {.fd = fd, .events = POLLIN};
	do
		send_bell();
	while (poll(&answer, 1, 500) == 0);
	wait_bell();
	while (poll(&answer, 1, 500) > 0)
		wait_bell();
}

static void open_tcp(const char *address, int listens)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int one = 1;
	check(inet_pton(AF_INET, address, &to.sin_addr) != 1, address);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (listens) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		check(bind(fd, (struct sockaddr *)&to, sizeof(to)) || listen(fd, 1), "bind");
		fd = accept(fd, NULL, NULL);
		check(fd < 0, "accept");
	} else {
		check(connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void ask(void (*send)(void), void (*wait)(void), int rounds)
{
	for (int tenth = 0; tenth < TENTHS; tenth++) {
		double start = now();
		for (int i = 0; i < rounds / TENTHS; i++) {
			send();
			wait();
		}
		printf("%.1f\n", (now() - start) * 1e6 / (rounds / TENTHS));
	}
}

static void echo(void (*send)(void), void (*wait)(void), int rounds)
{
	for (int i = 0; i < rounds; i++) {
		wait();
		send();
	}
}

int main(int argc, char **argv)
{
	const char *what = argc == 4 ? argv[1] : "";
	int rounds = argc == 4 ? atoi(argv[3]) / TENTHS * TENTHS : 0;
	if (strcmp(what, "bell") == 0) {
		open_bell(argv[2]);
		greet_bell();
		ask(send_bell, wait_bell, rounds);
	} else if (strcmp(what, "bell-echo") == 0) {
		open_bell(argv[2]);
		for (;;)
			echo(send_bell, wait_bell, rounds);
	} else if (strcmp(what, "tcp") == 0) {
		open_tcp(argv[2], 0);
		ask(send_tcp, wait_tcp, rounds);
	} else if (strcmp(what, "tcp-echo") == 0) {
		open_tcp(argv[2], 1);
		echo(send_tcp, wait_tcp, rounds);
	} else if (strcmp(what, "event") == 0) {
		open_event(0);
		ask(send_event, wait_event, rounds);
	} else if (strcmp(what, "event-echo") == 0) {
		open_event(1);
		echo(send_event, wait_event, rounds);
	} else {
		fprintf(stderr, "usage: driver_ring bell|tcp|event[-echo] PEER|ADDRESS|- ROUNDS\n");
		return 2;
	}
	return 0;
}
