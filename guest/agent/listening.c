// SPDX-License-Identifier: GPL-2.0-or-later
/* Wait until a program listens on a TCP port. */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 60000
#define POLL_MS    20

/* If bind() succeeds, nobody listens on the port yet. */
static bool taken(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool failed = bind(fd, (struct sockaddr *)address, sizeof(*address));
	return close_with(fd, failed) && errno == EADDRINUSE;
}

int apply_listening(unsigned port)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = INADDR_ANY,
		.sin_port = htons((uint16_t)port),
	};
	for (int waited = 0; !taken(&any); waited += POLL_MS) {
		if (waited >= TIMEOUT_MS) {
			errno = ETIMEDOUT;
			return -1;
		}
		usleep(POLL_MS * 1000);
	}
	return 0;
}
