/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * /dev/fam0: the pool of fabric-attached memory as the driver famulus.ko shows it, and its doorbell.
 *
 *   mmap     any page-aligned range of the pool, MAP_SHARED, write-back cached
 *   read     8 bytes: bit v is set if vector v has rung since this file was last read; waits for one
 *   poll     readable when a vector has rung since this file was last read
 *
 * A file counts the rings from its first read, poll or FAMULUS_SET_EVENTFD on. EOPNOTSUPP: the pool's
 * device has no doorbell. ENODEV: the device has been removed; touching the pool then is SIGBUS.
 */
#ifndef FAMULUS_UAPI_H
#define FAMULUS_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FAMULUS_PEERS_MAX 64

struct famulus_info {
	__u64 size; /* of the pool, bytes */
	__s32 id; /* own peer id, the node's number; -1 without a doorbell */
	__u32 vectors; /* of each peer; 0 without a doorbell */
	__u32 peers_max; /* the greatest id that a peer can have: FAMULUS_PEERS_MAX */
	__u32 flags; /* none is defined: 0 */
};

/* Rings `vector` of the node `peer`. A peer that is not there hears nothing, and that is no error. */
struct famulus_ring {
	__u32 peer;
	__u32 vector;
};

/* Each ring of the own `vector` adds 1 to the eventfd `fd` (eventfd(2)), until -1 takes it away. */
struct famulus_eventfd {
	__u32 vector;
	__s32 fd;
};

#define FAMULUS_GET_INFO    _IOR('F', 1, struct famulus_info)
#define FAMULUS_RING        _IOW('F', 2, struct famulus_ring)
#define FAMULUS_SET_EVENTFD _IOW('F', 3, struct famulus_eventfd)

/* Write back and empty all caches of the node (wbinvd on each CPU). EPERM without CAP_SYS_RAWIO. */
#define FAMULUS_WBINVD _IO('F', 4)

#endif
