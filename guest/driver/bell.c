// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doorbell of an ivshmem device (QEMU, docs/specs/ivshmem-spec): registers in BAR 0, one MSI-X
 * interrupt per vector. A device without a server has the registers too, but no MSI-X.
 */
#include "famdev.h"

#include <linux/interrupt.h>
#include <linux/slab.h>
#include <linux/version.h>

#define REGISTERS_BAR 0
#define POSITION      8 /* read: the own id */
#define DOORBELL      12 /* write: peer << 16 | vector */

int famdev_bell_find(struct famdev *famdev)
{
	struct famdev_bell *bell = &famdev->bell;
	int count = pci_msix_vec_count(famdev->pci);

	spin_lock_init(&bell->lock);
	INIT_LIST_HEAD(&bell->listeners);
	if (count <= 0)
		return 0;
	bell->registers = pcim_iomap(famdev->pci, REGISTERS_BAR, 0);
	if (!bell->registers)
		return -ENOMEM;
	bell->count = min(count, FAMDEV_VECTORS);
	pci_set_master(famdev->pci); /* an MSI is a memory write by the device */
	return 0;
}

int famdev_bell_id(struct famdev *famdev)
{
	return famdev->bell.count ? (int)ioread32(famdev->bell.registers + POSITION) : -1;
}

int famdev_bell_ring(struct famdev *famdev, const struct famulus_ring *ring)
{
	if (!famdev->bell.count)
		return -EOPNOTSUPP;
	if (ring->peer > FAMULUS_PEERS_MAX || ring->vector >= famdev->bell.count)
		return -EINVAL;
	iowrite32(ring->peer << 16 | ring->vector, famdev->bell.registers + DOORBELL);
	return 0;
}

static void add_event(struct eventfd_ctx *events)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(events, 1);
#else
	eventfd_signal(events);
#endif
}

/* Tell each listening file that `vector` has rung. Called by the interrupt. */
static void tell_listeners(struct famdev *famdev, unsigned int vector)
{
	struct famdev_file *file;
	unsigned long flags;

	spin_lock_irqsave(&famdev->bell.lock, flags);
	list_for_each_entry(file, &famdev->bell.listeners, listener) {
		file->heard |= BIT_ULL(vector);
		wake_up(&file->waiting);
		if (file->events[vector])
			add_event(file->events[vector]);
	}
	spin_unlock_irqrestore(&famdev->bell.lock, flags);
}

/* Wake all readers after the device was removed: each returns -ENODEV. */
void famdev_bell_gone(struct famdev *famdev)
{
	struct famdev_file *file;

	spin_lock_irq(&famdev->bell.lock);
	list_for_each_entry(file, &famdev->bell.listeners, listener)
		wake_up(&file->waiting);
	spin_unlock_irq(&famdev->bell.lock);
}

static irqreturn_t on_ring(int irq, void *data)
{
	struct famdev_vector *vector = data;

	tell_listeners(vector->famdev, vector->number);
	return IRQ_HANDLED;
}

static int request_vector(struct famdev *famdev, unsigned int number)
{
	struct famdev_vector *vector = &famdev->bell.vectors[number];

	vector->famdev = famdev;
	vector->number = number;
	snprintf(vector->name, sizeof(vector->name), "fam%d-%u", MINOR(famdev->dev.devt), number);
	return request_irq(pci_irq_vector(famdev->pci, number), on_ring, 0, vector->name, vector);
}

static int request_all(struct famdev *famdev)
{
	struct famdev_bell *bell = &famdev->bell;
	int error = 0;

	while (!error && bell->requested < bell->count) {
		error = request_vector(famdev, bell->requested);
		bell->requested += !error;
	}
	return error;
}

/*
 * Set up the interrupts. Called when a file first listens: in most nodes none does, and the set-up
 * would slow down the start of each clone.
 */
int famdev_bell_wake(struct famdev *famdev)
{
	struct famdev_bell *bell = &famdev->bell;
	int error;

	if (!bell->count)
		return -EOPNOTSUPP;
	if (bell->requested)
		return 0;
	error = pci_alloc_irq_vectors(famdev->pci, bell->count, bell->count, PCI_IRQ_MSIX);
	if (error < 0)
		return error;
	bell->vectors = kcalloc(bell->count, sizeof(*bell->vectors), GFP_KERNEL);
	error = bell->vectors ? request_all(famdev) : -ENOMEM;
	if (error)
		famdev_bell_silence(famdev);
	return error;
}

void famdev_bell_silence(struct famdev *famdev)
{
	struct famdev_bell *bell = &famdev->bell;

	while (bell->requested) {
		bell->requested--;
		free_irq(pci_irq_vector(famdev->pci, bell->requested),
			 &bell->vectors[bell->requested]);
	}
	kfree(bell->vectors);
	bell->vectors = NULL;
	pci_free_irq_vectors(famdev->pci);
}
