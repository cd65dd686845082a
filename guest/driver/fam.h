/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAM_H
#define FAM_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/pci.h>
#include <linux/rwsem.h>

#define FAM_MINORS 16

/* One pool: an ivshmem device (QEMU, docs/specs/ivshmem-spec) and its file /dev/famN. */
struct fam {
	struct device dev;
	struct cdev cdev;
	struct pci_dev *pci;
	phys_addr_t base;		/* of the pool: BAR 2 */
	resource_size_t size;		/* bytes */
	struct rw_semaphore guard;	/* of all below */
	bool gone;			/* removed while files are open: nothing of `pci` is touched */
	unsigned int opens;
	struct inode *inode;		/* while files are open: the one whose mapping they all share */
};

/* file.c: what can be done with the open file */
extern const struct file_operations fam_operations;

/* memory.c: its mappings */
int fam_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long fam_get_unmapped_area(struct file *file, unsigned long address, unsigned long length,
				    unsigned long page, unsigned long flags);

#endif
