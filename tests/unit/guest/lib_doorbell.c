// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two members in one process play nodes 1 and 2 with a doorbell: this program replaces the calls to
 * the driver (linked with --wrap). The members notify each other in turn; the output has the number
 * of rings. A member notifies only when the other one waits, and a wait that no ring ends makes the
 * program fail: so it completes only if a ring ends each wait.
 */
#define _GNU_SOURCE
#include <famulus.h>
#include <linux/ioctl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../guest/driver/famulus_uapi.h"

#define ROUNDS  200
#define TIMEOUT 60000
#define FILES   64

int __real_ioctl(int fd, unsigned long request, ...);
int __real_fstat(int fd, struct stat *status);
int __real_poll(struct pollfd *files, nfds_t count, int timeout);

static int peers[FILES]; /* of each open file, in the order of opening */
static int events[3] = {-1, -1, -1};
static long pool_size;
static int opened, rings;

/* The library takes the pool's file for the driver's device. */
int __wrap_fstat(int fd, struct stat *status)
{
	int result = __real_fstat(fd, status);
	pool_size = status->st_size;
	status->st_mode = S_IFCHR;
	peers[fd] = ++opened;
	return result;
}

static int ring(const struct famulus_ring *ring)
{
	uint64_t one = 1;
	__atomic_fetch_add(&rings, 1, __ATOMIC_SEQ_CST);
	return write(events[ring->peer], &one, sizeof(one)) == sizeof(one) ? 0 : -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == FAMULUS_GET_INFO)
		*(struct famulus_info *)argument = (struct famulus_info){
			.size = (__u64)pool_size, .id = peers[fd], .vectors = 1, .peers_max = 64};
	else if (request == FAMULUS_SET_EVENTFD)
		events[peers[fd]] = ((struct famulus_eventfd *)argument)->fd;
	else if (request == FAMULUS_RING)
		return ring(argument);
	return 0;
}

/* Without this, the library would end each sleep after FAM_NAP_MS. */
int __wrap_poll(struct pollfd *files, nfds_t count, int timeout)
{
	(void)timeout;
	if (__real_poll(files, count, TIMEOUT) > 0)
		return 1;
	fprintf(stderr, "doorbell: no ring\n");
	exit(1);
}

static void must(int result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "doorbell: %s\n", strerror(-result));
	exit(1);
}

struct player {
	struct fam *fam;
	struct fam_event *event;
	uint64_t turn;
};

/* Wait until the other member has announced that it waits: it then spins no more. */
static void wait_for_waiter(struct fam_event *event)
{
	while (!fam_load64(&event->waiters))
		usleep(50);
}

static void *play(void *argument)
{
	struct player *player = argument;
	for (uint64_t turn = 0; turn < 2 * ROUNDS; turn++) {
		if (turn % 2 != player->turn) {
			must(fam_event_wait(player->fam, player->event, turn, TIMEOUT));
			continue;
		}
		wait_for_waiter(player->event);
		must(fam_event_notify(player->fam, player->event));
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	struct player players[2] = {{.turn = 0}, {.turn = 1}};
	pthread_t threads[2];
	struct fam_region *region;
	for (int i = 0; i < 2 && argc == 2; i++)
		must(fam_open(&players[i].fam, argv[1]));
	must(fam_region_obtain(players[0].fam, "doorbell", sizeof(struct fam_event), 0600,
			       &region));
	for (int i = 0; i < 2; i++) {
		players[i].event = region->base;
		pthread_create(&threads[i], NULL, play, &players[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("%d %d %d %d\n", fam_node(players[0].fam), fam_node(players[1].fam),
	       fam_has_doorbell(players[0].fam), rings);
	fam_region_close(region);
	for (int i = 0; i < 2; i++)
		fam_close(players[i].fam);
	return 0;
}
