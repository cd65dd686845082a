/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver's structures and the functions that its units share. */
#ifndef FAMDEV_H
#define FAMDEV_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "famulus_uapi.h"

#define FAMDEV_MINORS  16
#define FAMDEV_VECTORS 64 /* one bit each in the result of read(2) */

struct famdev;

/* One vector of the doorbell. */
struct famdev_vector {
	struct famdev *famdev;
	unsigned int number;
	char name[24];
};

/* The device's doorbell. Its interrupts are set up when the first file listens. */
struct famdev_bell {
	void __iomem *registers; /* BAR 0 */
	unsigned int count; /* of vectors; 0 without a doorbell */
	unsigned int requested; /* interrupts that are set up: none or `count` */
	struct famdev_vector *vectors;
	spinlock_t lock; /* guards the list, and `heard` and `events` of its files */
	struct list_head listeners; /* of struct famdev_file */
};

/* One pool: an ivshmem device (QEMU, docs/specs/ivshmem-spec) and its file /dev/famN. */
struct famdev {
	struct device dev;
	struct cdev cdev;
	struct pci_dev *pci;
	phys_addr_t base; /* of the pool: BAR 2 */
	resource_size_t size; /* bytes */
	struct rw_semaphore guard; /* guards all members below */
	bool gone; /* the device was removed: `pci` must not be used */
	unsigned int opens;
	struct inode *inode; /* while files are open: the inode whose mapping all of them share */
	struct famdev_bell bell;
};

/* One open file. */
struct famdev_file {
	struct famdev *famdev;
	struct list_head listener; /* in the bell's list, once the file listens */
	u64 heard; /* bit v: vector v has rung since the last read */
	wait_queue_head_t waiting;
	struct eventfd_ctx *events[FAMDEV_VECTORS];
};

/* file.c: the operations of the open file */
extern const struct file_operations famdev_operations;

/*
 * bell.c: the doorbell. The caller of famdev_bell_wake() and famdev_bell_silence() holds the guard
 * for writing, the caller of famdev_bell_ring() and famdev_bell_id() at least for reading.
 */
int famdev_bell_find(struct famdev *famdev);
int famdev_bell_wake(struct famdev *famdev);
void famdev_bell_silence(struct famdev *famdev);
int famdev_bell_ring(struct famdev *famdev, const struct famulus_ring *ring);
int famdev_bell_id(struct famdev *famdev);
void famdev_bell_gone(struct famdev *famdev);

/* listen.c: wait for the doorbell: read(2), poll(2), eventfds */
int famdev_set_eventfd(struct famdev_file *file, const struct famulus_eventfd *request);
void famdev_listen_no_more(struct famdev_file *file);
ssize_t famdev_read(struct file *file, char __user *to, size_t size, loff_t *position);
__poll_t famdev_poll(struct file *file, poll_table *table);

/* mapping.c: mmap(2) of the pool */
int famdev_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long famdev_get_unmapped_area(struct file *file, unsigned long address,
				       unsigned long length, unsigned long page,
				       unsigned long flags);

#endif
