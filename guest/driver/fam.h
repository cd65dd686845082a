/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAM_H
#define FAM_H

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

#define FAM_MINORS  16
#define FAM_VECTORS 64 /* a bit each in what read(2) returns */

struct fam;

/* One vector of the doorbell. */
struct fam_vector {
	struct fam *fam;
	unsigned int number;
	char name[24];
};

/* The device's doorbell. Interrupts come from the first file on that listens. */
struct fam_bell {
	void __iomem *registers; /* BAR 0 */
	unsigned int count; /* of vectors; 0 without a doorbell */
	unsigned int requested; /* interrupts, none or `count` */
	struct fam_vector *vectors;
	spinlock_t lock; /* of the list, and of what the files in it have heard */
	struct list_head listeners;
};

/* One pool: an ivshmem device (QEMU, docs/specs/ivshmem-spec) and its file /dev/famN. */
struct fam {
	struct device dev;
	struct cdev cdev;
	struct pci_dev *pci;
	phys_addr_t base; /* of the pool: BAR 2 */
	resource_size_t size; /* bytes */
	struct rw_semaphore guard; /* of all below */
	bool gone; /* removed while files are open: nothing of `pci` is touched */
	unsigned int opens;
	struct inode *inode; /* while files are open: the one whose mapping they all share */
	struct fam_bell bell;
};

/* One open file. */
struct fam_file {
	struct fam *fam;
	struct list_head listener; /* in the bell's list, once it listens */
	u64 heard; /* bit v: vector v has rung since the last read */
	wait_queue_head_t waiting;
	struct eventfd_ctx *events[FAM_VECTORS];
};

/* file.c: what can be done with the open file */
extern const struct file_operations fam_operations;

/* bell.c: the doorbell. The guard is held by who calls, for writing where interrupts change. */
int fam_bell_find(struct fam *fam);
int fam_bell_wake(struct fam *fam);
void fam_bell_silence(struct fam *fam);
int fam_bell_ring(struct fam *fam, const struct famulus_ring *ring);
int fam_bell_id(struct fam *fam);

/* listen.c: who hears it */
void fam_bell_heard(struct fam *fam, unsigned int vector);
void fam_bell_gone(struct fam *fam);
int fam_set_eventfd(struct fam_file *file, const struct famulus_eventfd *request);
void fam_listen_no_more(struct fam_file *file);
ssize_t fam_read(struct file *file, char __user *to, size_t size, loff_t *position);
__poll_t fam_poll(struct file *file, poll_table *table);

/* memory.c: its mappings */
int fam_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long fam_get_unmapped_area(struct file *file, unsigned long address, unsigned long length,
				    unsigned long page, unsigned long flags);

#endif
