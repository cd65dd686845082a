// SPDX-License-Identifier: GPL-2.0-or-later
/* Tell systemd that the service is ready (sd_notify(3)). */
#include "agent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_ready(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path || strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	if (path[0] == '@') /* an abstract socket */
		address.sun_path[0] = '\0';
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A failure cannot be reported here: systemd then reports that the start timed out. */
	(void)!sendto(fd, ready, sizeof(ready) - 1, 0, (struct sockaddr *)&address, length);
	close(fd);
}
