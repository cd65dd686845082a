// SPDX-License-Identifier: GPL-2.0-or-later
/* Open files that listen to the doorbell: each counts the rings by itself. */
#include "famdev.h"

#include <linux/uaccess.h>

static int start(struct famdev_file *file)
{
	struct famdev *famdev = file->famdev;
	int error = famdev->gone ? -ENODEV : famdev_bell_wake(famdev);

	if (error || !list_empty(&file->listener))
		return error;
	spin_lock_irq(&famdev->bell.lock);
	list_add_tail(&file->listener, &famdev->bell.listeners);
	spin_unlock_irq(&famdev->bell.lock);
	return 0;
}

static int listen(struct famdev_file *file)
{
	int error;

	if (!list_empty_careful(&file->listener))
		return READ_ONCE(file->famdev->gone) ? -ENODEV : 0;
	down_write(&file->famdev->guard);
	error = start(file);
	up_write(&file->famdev->guard);
	return error;
}

static struct eventfd_ctx *swap_events(struct famdev_file *file, u32 vector,
				       struct eventfd_ctx *events)
{
	spin_lock_irq(&file->famdev->bell.lock);
	swap(file->events[vector], events);
	spin_unlock_irq(&file->famdev->bell.lock);
	return events;
}

int famdev_set_eventfd(struct famdev_file *file, const struct famulus_eventfd *request)
{
	struct eventfd_ctx *events = NULL;
	int error = listen(file);

	if (error)
		return error;
	if (request->vector >= file->famdev->bell.count)
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

void famdev_listen_no_more(struct famdev_file *file)
{
	spin_lock_irq(&file->famdev->bell.lock);
	list_del_init(&file->listener);
	spin_unlock_irq(&file->famdev->bell.lock);
	for (int i = 0; i < FAMDEV_VECTORS; i++)
		if (file->events[i])
			eventfd_ctx_put(file->events[i]);
}

static u64 take_heard(struct famdev_file *file)
{
	u64 heard;

	spin_lock_irq(&file->famdev->bell.lock);
	heard = file->heard;
	file->heard = 0;
	spin_unlock_irq(&file->famdev->bell.lock);
	return heard;
}

/* Return whether the wait is over: `heard` is not 0, or the device was removed. */
static bool is_over(struct famdev_file *file, u64 *heard)
{
	*heard = take_heard(file);
	return *heard || READ_ONCE(file->famdev->gone);
}

static int wait_for_ring(struct famdev_file *file, bool block, u64 *heard)
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

ssize_t famdev_read(struct file *opened, char __user *to, size_t size, loff_t *position)
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

__poll_t famdev_poll(struct file *opened, poll_table *table)
{
	struct famdev_file *file = opened->private_data;

	poll_wait(opened, &file->waiting, table);
	if (listen(file))
		return EPOLLERR | EPOLLHUP;
	return READ_ONCE(file->heard) ? EPOLLIN | EPOLLRDNORM : 0;
}
