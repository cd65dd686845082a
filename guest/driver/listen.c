// SPDX-License-Identifier: GPL-2.0-or-later
/* Who hears the doorbell: the files that have asked for it, each for itself. */
#include "fam.h"

#include <linux/uaccess.h>
#include <linux/version.h>

static void add_event(struct eventfd_ctx *events)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(events, 1);
#else
	eventfd_signal(events);
#endif
}

/* Called by the interrupt. */
void fam_bell_heard(struct fam *fam, unsigned int vector)
{
	struct fam_file *file;
	unsigned long flags;

	spin_lock_irqsave(&fam->bell.lock, flags);
	list_for_each_entry(file, &fam->bell.listeners, listener) {
		file->heard |= BIT_ULL(vector);
		wake_up(&file->waiting);
		if (file->events[vector])
			add_event(file->events[vector]);
	}
	spin_unlock_irqrestore(&fam->bell.lock, flags);
}

/* What is gone wakes everybody: they find out why. */
void fam_bell_gone(struct fam *fam)
{
	struct fam_file *file;

	spin_lock_irq(&fam->bell.lock);
	list_for_each_entry(file, &fam->bell.listeners, listener)
		wake_up(&file->waiting);
	spin_unlock_irq(&fam->bell.lock);
}

static int start(struct fam_file *file)
{
	struct fam *fam = file->fam;
	int error = fam->gone ? -ENODEV : fam_bell_wake(fam);

	if (error || !list_empty(&file->listener))
		return error;
	spin_lock_irq(&fam->bell.lock);
	list_add_tail(&file->listener, &fam->bell.listeners);
	spin_unlock_irq(&fam->bell.lock);
	return 0;
}

static int listen(struct fam_file *file)
{
	int error;

	if (!list_empty_careful(&file->listener))
		return READ_ONCE(file->fam->gone) ? -ENODEV : 0;
	down_write(&file->fam->guard);
	error = start(file);
	up_write(&file->fam->guard);
	return error;
}

static struct eventfd_ctx *swap_events(struct fam_file *file, u32 vector,
				       struct eventfd_ctx *events)
{
	spin_lock_irq(&file->fam->bell.lock);
	swap(file->events[vector], events);
	spin_unlock_irq(&file->fam->bell.lock);
	return events;
}

int fam_set_eventfd(struct fam_file *file, const struct famulus_eventfd *request)
{
	struct eventfd_ctx *events = NULL;
	int error = listen(file);

	if (error)
		return error;
	if (request->vector >= file->fam->bell.count)
		return -EINVAL;
	if (request->fd != -1)
		events = eventfd_ctx_fdget(request->fd);
	if (IS_ERR(events))
		return PTR_ERR(events);
	events = swap_events(file, request->vector, events);
	if (events)
		eventfd_ctx_put(events);
	return 0;
}

void fam_listen_no_more(struct fam_file *file)
{
	spin_lock_irq(&file->fam->bell.lock);
	list_del_init(&file->listener);
	spin_unlock_irq(&file->fam->bell.lock);
	for (int i = 0; i < FAM_VECTORS; i++)
		if (file->events[i])
			eventfd_ctx_put(file->events[i]);
}

static u64 take_heard(struct fam_file *file)
{
	u64 heard;

	spin_lock_irq(&file->fam->bell.lock);
	heard = file->heard;
	file->heard = 0;
	spin_unlock_irq(&file->fam->bell.lock);
	return heard;
}

/* Whether waiting has an end: `heard` is not 0, or the device is no more. */
static bool is_over(struct fam_file *file, u64 *heard)
{
	*heard = take_heard(file);
	return *heard || READ_ONCE(file->fam->gone);
}

static int wait_for_ring(struct fam_file *file, bool block, u64 *heard)
{
	int error = listen(file);

	if (error)
		return error;
	*heard = take_heard(file);
	if (*heard)
		return 0;
	if (!block)
		return -EAGAIN;
	error = wait_event_interruptible(file->waiting, is_over(file, heard));
	if (!error && !*heard)
		error = -ENODEV;
	return error;
}

ssize_t fam_read(struct file *opened, char __user *to, size_t size, loff_t *position)
{
	u64 heard;
	int error;

	if (size < sizeof(heard))
		return -EINVAL;
	error = wait_for_ring(opened->private_data, !(opened->f_flags & O_NONBLOCK), &heard);
	if (error)
		return error;
	return copy_to_user(to, &heard, sizeof(heard)) ? -EFAULT : sizeof(heard);
}

__poll_t fam_poll(struct file *opened, poll_table *table)
{
	struct fam_file *file = opened->private_data;

	poll_wait(opened, &file->waiting, table);
	if (listen(file))
		return EPOLLERR | EPOLLHUP;
	return READ_ONCE(file->heard) ? EPOLLIN | EPOLLRDNORM : 0;
}
