// SPDX-License-Identifier: GPL-2.0-or-later
/* The file /dev/famN: open, ioctl, close. */
#include "famdev.h"

#include <asm/smp.h>
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* All files share the mapping of one inode, so that famdev_remove() finds every map of the pool. */
static void join(struct famdev *famdev, struct inode *inode, struct file *file)
{
	if (!famdev->opens++) {
		ihold(inode);
		famdev->inode = inode;
	}
	file->f_mapping = famdev->inode->i_mapping;
	/* Before Linux 6.10, huge_fault() is called only for inodes with S_DAX. */
	inode->i_flags |= S_DAX;
}

static int famdev_open(struct inode *inode, struct file *file)
{
	struct famdev *famdev = container_of(inode->i_cdev, struct famdev, cdev);
	struct famdev_file *opened = kzalloc(sizeof(*opened), GFP_KERNEL);
	int error = 0;

	if (!opened)
		return -ENOMEM;
	opened->famdev = famdev;
	INIT_LIST_HEAD(&opened->listener);
	init_waitqueue_head(&opened->waiting);
	file->private_data = opened;
	down_write(&famdev->guard);
	if (famdev->gone)
		error = -ENODEV;
	else
		join(famdev, inode, file);
	up_write(&famdev->guard);
	if (error)
		kfree(opened);
	return error;
}

static int famdev_close(struct inode *inode, struct file *file)
{
	struct famdev_file *opened = file->private_data;
	struct famdev *famdev = opened->famdev;
	struct inode *last = NULL;

	famdev_listen_no_more(opened);
	kfree(opened);
	down_write(&famdev->guard);
	if (!--famdev->opens)
		swap(last, famdev->inode);
	up_write(&famdev->guard);
	iput(last);
	return 0;
}

/*
 * The user's memory may be the pool itself, and a page fault in it takes the guard: so the
 * functions below do not access the user's memory while they hold the guard.
 */
static long get_info(struct famdev *famdev, void __user *to)
{
	struct famulus_info info = {
		.size = famdev->size,
		.vectors = famdev->bell.count,
		.peers_max = FAMULUS_PEERS_MAX,
	};
	bool gone;

	down_read(&famdev->guard);
	gone = famdev->gone;
	if (!gone)
		info.id = famdev_bell_id(famdev);
	up_read(&famdev->guard);
	if (gone)
		return -ENODEV;
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ring(struct famdev *famdev, void __user *from)
{
	struct famulus_ring ring;
	long error;

	if (copy_from_user(&ring, from, sizeof(ring)))
		return -EFAULT;
	down_read(&famdev->guard);
	error = famdev->gone ? -ENODEV : famdev_bell_ring(famdev, &ring);
	up_read(&famdev->guard);
	return error;
}

static long set_eventfd(struct famdev_file *opened, void __user *from)
{
	struct famulus_eventfd request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	return famdev_set_eventfd(opened, &request);
}

/* Slow; it stalls all CPUs of the machine. */
static long write_back_all(void)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	wbinvd_on_all_cpus();
	return 0;
}

static long famdev_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct famdev_file *opened = file->private_data;
	void __user *at = (void __user *)argument;

	switch (request) {
	case FAMULUS_GET_INFO: return get_info(opened->famdev, at);
	case FAMULUS_RING: return ring(opened->famdev, at);
	case FAMULUS_SET_EVENTFD: return set_eventfd(opened, at);
	case FAMULUS_WBINVD: return write_back_all();
	default: return -ENOTTY;
	}
}

const struct file_operations famdev_operations = {
	.owner = THIS_MODULE,
	.open = famdev_open,
	.release = famdev_close,
	.read = famdev_read,
	.poll = famdev_poll,
	.unlocked_ioctl = famdev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = famdev_mmap,
	.get_unmapped_area = famdev_get_unmapped_area,
	.fsync = noop_fsync, /* so that msync(2) succeeds: no disk is behind the pool */
};
