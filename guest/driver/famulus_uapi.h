/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * /dev/fam0: the pool of fabric-attached memory and its doorbell, provided by the driver
 * famulus.ko.
 *
 *   mmap     any page-aligned range of the pool, MAP_SHARED, write-back cached
 *   read     8 bytes: bit v is set if vector v has rung since the last read of this file; blocks
 *            until a vector has rung
 *   poll     readable when a vector has rung since the last read of this file
 *
 * A file records rings from its first read, poll or FAMULUS_SET_EVENTFD on. EOPNOTSUPP: the pool's
 * device has no doorbell. ENODEV: the device was removed; an access to the pool then raises SIGBUS.
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
	__u32 peers_max; /* the greatest possible id of a peer: FAMULUS_PEERS_MAX */
	__u32 flags; /* no flag is defined: 0 */
};

/* Ring `vector` of the node `peer`. A ring to an absent peer is lost without an error. */
struct famulus_ring {
	__u32 peer;
	__u32 vector;
};

/* Each ring of the own `vector` adds 1 to the eventfd `fd` (eventfd(2)); `fd` -1 ends that. */
struct famulus_eventfd {
	__u32 vector;
	__s32 fd;
};

#define FAMULUS_GET_INFO    _IOR('F', 1, struct famulus_info)
#define FAMULUS_RING        _IOW('F', 2, struct famulus_ring)
#define FAMULUS_SET_EVENTFD _IOW('F', 3, struct famulus_eventfd)

/*
 * Write back and invalidate all caches of the node (wbinvd on each CPU). EPERM without
 * CAP_SYS_RAWIO.
 */
#define FAMULUS_WBINVD _IO('F', 4)

#endif
