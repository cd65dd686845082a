// SPDX-License-Identifier: GPL-2.0-or-later
/* The file /dev/famN: opened, asked, closed. */
#include "fam.h"
#include "famulus_uapi.h"

#include <linux/module.h>
#include <linux/uaccess.h>

/* All files share the mapping of one inode, so that removal finds every map of the pool in it. */
static void join(struct fam *fam, struct inode *inode, struct file *file)
{
	if (!fam->opens++) {
		ihold(inode);
		fam->inode = inode;
	}
	file->f_mapping = fam->inode->i_mapping;
	file->private_data = fam;
	/* Before 6.10, huge pages are asked for only where the inode says that it is DAX. */
	inode->i_flags |= S_DAX;
}

static int fam_open(struct inode *inode, struct file *file)
{
	struct fam *fam = container_of(inode->i_cdev, struct fam, cdev);
	int error = 0;

	down_write(&fam->guard);
	if (fam->gone)
		error = -ENODEV;
	else
		join(fam, inode, file);
	up_write(&fam->guard);
	return error;
}

static int fam_close(struct inode *inode, struct file *file)
{
	struct fam *fam = file->private_data;
	struct inode *last = NULL;

	down_write(&fam->guard);
	if (!--fam->opens)
		swap(last, fam->inode);
	up_write(&fam->guard);
	iput(last);
	return 0;
}

static long get_info(struct fam *fam, void __user *to)
{
	struct famulus_info info = { .size = fam->size, .id = -1 };

	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long fam_ioctl(struct file *file, unsigned int what, unsigned long argument)
{
	switch (what) {
	case FAMULUS_GET_INFO:
		return get_info(file->private_data, (void __user *)argument);
	case FAMULUS_RING:
	case FAMULUS_SET_EVENTFD:
		return -EOPNOTSUPP;
	default:
		return -ENOTTY;
	}
}

const struct file_operations fam_operations = {
	.owner = THIS_MODULE,
	.open = fam_open,
	.release = fam_close,
	.unlocked_ioctl = fam_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = fam_mmap,
	.get_unmapped_area = fam_get_unmapped_area,
	.fsync = noop_fsync, /* so that msync(2) succeeds: a store is in the pool at once */
};
