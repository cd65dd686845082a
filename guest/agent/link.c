// SPDX-License-Identifier: GPL-2.0-or-later
/* The network card: MAC, address, default route, by the ioctls of netdevice(7) and rtentry. */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * For an unknown card the kernel's ioctls run modprobe and wait for it: minutes, early in a boot.
 */
static bool exists(const char *interface)
{
	char path[64];
	snprintf(path, sizeof(path), "/sys/class/net/%.20s", interface);
	return access(path, F_OK) == 0;
}

static void set_name(struct ifreq *request, const char *interface)
{
	memset(request, 0, sizeof(*request));
	strncpy(request->ifr_name, interface, IFNAMSIZ - 1);
}

static int set_flags(int fd, const char *interface, short set, short clear)
{
	struct ifreq request;
	set_name(&request, interface);
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return -1;
	short flags = (short)((request.ifr_flags | set) & ~clear);
	if (request.ifr_flags == flags)
		return 0;
	request.ifr_flags = flags;
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int set_mac(int fd, const char *interface, const char *text)
{
	unsigned char mac[6];
	struct ifreq request;
	if (hex_bytes(text, mac, sizeof(mac), ':'))
		return -1;
	set_name(&request, interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return -1;
	if (memcmp(request.ifr_hwaddr.sa_data, mac, sizeof(mac)) == 0)
		return 0;
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, sizeof(mac));
	if (ioctl(fd, SIOCSIFHWADDR, &request) == 0)
		return 0;
	if (errno != EBUSY || set_flags(fd, interface, 0, IFF_UP)) /* the card must be down */
		return -1;
	return ioctl(fd, SIOCSIFHWADDR, &request);
}

static struct sockaddr_in ipv4(in_addr_t address)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = address};
}

static int set_address(int fd, unsigned long request_code, const char *interface, in_addr_t address)
{
	struct ifreq request;
	struct sockaddr_in value = ipv4(address);
	set_name(&request, interface);
	memcpy(&request.ifr_addr, &value, sizeof(value));
	return ioctl(fd, request_code, &request);
}

static int set_route(int fd, const char *interface, in_addr_t gateway)
{
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
	struct sockaddr_in any = ipv4(INADDR_ANY), via = ipv4(gateway);
	char name[IFNAMSIZ] = "";
	strncpy(name, interface, sizeof(name) - 1);
	route.rt_dev = name;
	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	memcpy(&route.rt_gateway, &via, sizeof(via));
	return ioctl(fd, SIOCADDRT, &route) && errno != EEXIST ? -1 : 0;
}

static int set_all(int fd, const char *interface, const char *mac, in_addr_t address, int prefix,
		   in_addr_t gateway)
{
	in_addr_t mask = htonl(prefix ? ~0U << (32 - prefix) : 0);
	if (set_flags(fd, "lo", IFF_UP, 0) || set_mac(fd, interface, mac))
		return -1;
	if (set_flags(fd, interface, IFF_UP, 0))
		return -1;
	if (set_address(fd, SIOCSIFADDR, interface, address) ||
	    set_address(fd, SIOCSIFNETMASK, interface, mask) ||
	    set_address(fd, SIOCSIFBRDADDR, interface, address | ~mask))
		return -1;
	return set_route(fd, interface, gateway);
}

static int prepared = -1; /* a socket; open from clone_prepare() to clone_done() */

static int open_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

int link_prepare(void)
{
	prepared = open_socket();
	return prepared < 0 ? -1 : 0;
}

void link_done(void)
{
	close(prepared);
	prepared = -1;
}

int apply_link(const char *interface, const char *mac, const char *address, int prefix,
	       const char *gateway)
{
	struct in_addr own, via;
	if (inet_pton(AF_INET, address, &own) != 1 || inet_pton(AF_INET, gateway, &via) != 1) {
		errno = EINVAL;
		return -1;
	}
	if (prepared >= 0)
		return set_all(prepared, interface, mac, own.s_addr, prefix, via.s_addr);
	if (!exists(interface)) {
		errno = ENODEV;
		return -1;
	}
	int fd = open_socket();
	if (fd < 0)
		return -1;
	int failed = set_all(fd, interface, mac, own.s_addr, prefix, via.s_addr);
	return close_with(fd, failed);
}
