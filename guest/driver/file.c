// SPDX-License-Identifier: GPL-2.0-or-later
/* The file /dev/famN: opened, asked, closed. */
#include "fam.h"

#include <asm/smp.h>
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* All files share the mapping of one inode, so that removal finds every map of the pool in it. */
static void join(struct fam *fam, struct inode *inode, struct file *file)
{
	if (!fam->opens++) {
		ihold(inode);
		fam->inode = inode;
	}
	file->f_mapping = fam->inode->i_mapping;
	/* Before 6.10, huge pages are asked for only where the inode says that it is DAX. */
	inode->i_flags |= S_DAX;
}

static int fam_open(struct inode *inode, struct file *file)
{
	struct fam *fam = container_of(inode->i_cdev, struct fam, cdev);
	struct fam_file *opened = kzalloc(sizeof(*opened), GFP_KERNEL);
	int error = 0;

	if (!opened)
		return -ENOMEM;
	opened->fam = fam;
	INIT_LIST_HEAD(&opened->listener);
	init_waitqueue_head(&opened->waiting);
	file->private_data = opened;
	down_write(&fam->guard);
	if (fam->gone)
		error = -ENODEV;
	else
		join(fam, inode, file);
	up_write(&fam->guard);
	if (error)
		kfree(opened);
	return error;
}

static int fam_close(struct inode *inode, struct file *file)
{
	struct fam_file *opened = file->private_data;
	struct fam *fam = opened->fam;
	struct inode *last = NULL;

	fam_listen_no_more(opened);
	kfree(opened);
	down_write(&fam->guard);
	if (!--fam->opens)
		swap(last, fam->inode);
	up_write(&fam->guard);
	iput(last);
	return 0;
}

/*
 * The user's memory may be the pool itself, and a fault in it takes the guard: it is neither read nor
 * written while the guard is held.
 */
static long get_info(struct fam *fam, void __user *to)
{
	struct famulus_info info = {
		.size = fam->size,
		.vectors = fam->bell.count,
		.peers_max = FAMULUS_PEERS_MAX,
	};
	bool gone;

	down_read(&fam->guard);
	gone = fam->gone;
	if (!gone)
		info.id = fam_bell_id(fam);
	up_read(&fam->guard);
	if (gone)
		return -ENODEV;
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ring(struct fam *fam, void __user *from)
{
	struct famulus_ring ring;
	long error;

	if (copy_from_user(&ring, from, sizeof(ring)))
		return -EFAULT;
	down_read(&fam->guard);
	error = fam->gone ? -ENODEV : fam_bell_ring(fam, &ring);
	up_read(&fam->guard);
	return error;
}

static long set_eventfd(struct fam_file *opened, void __user *from)
{
	struct famulus_eventfd request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	return fam_set_eventfd(opened, &request);
}

/* Slow, and felt by the whole machine. */
static long write_back_all(void)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	wbinvd_on_all_cpus();
	return 0;
}

static long fam_ioctl(struct file *file, unsigned int what, unsigned long argument)
{
	struct fam_file *opened = file->private_data;
	void __user *at = (void __user *)argument;

	switch (what) {
	case FAMULUS_GET_INFO: return get_info(opened->fam, at);
	case FAMULUS_RING: return ring(opened->fam, at);
	case FAMULUS_SET_EVENTFD: return set_eventfd(opened, at);
	case FAMULUS_WBINVD: return write_back_all();
	default: return -ENOTTY;
	}
}

const struct file_operations fam_operations = {
	.owner = THIS_MODULE,
	.open = fam_open,
	.release = fam_close,
	.read = fam_read,
	.poll = fam_poll,
	.unlocked_ioctl = fam_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = fam_mmap,
	.get_unmapped_area = fam_get_unmapped_area,
	.fsync = noop_fsync, /* so that msync(2) succeeds: there is no disk to write to */
};
