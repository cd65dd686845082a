// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doorbell of an ivshmem device (QEMU, docs/specs/ivshmem-spec): registers in BAR 0, one MSI-X
 * interrupt a vector. A device without a server has the registers too, but no MSI-X.
 */
#include "fam.h"

#include <linux/interrupt.h>
#include <linux/slab.h>

#define REGISTERS_BAR 0
#define POSITION      8 /* reads as the own id */
#define DOORBELL      12 /* written: peer << 16 | vector */

int fam_bell_find(struct fam *fam)
{
	struct fam_bell *bell = &fam->bell;
	int count = pci_msix_vec_count(fam->pci);

	spin_lock_init(&bell->lock);
	INIT_LIST_HEAD(&bell->listeners);
	if (count <= 0)
		return 0;
	bell->registers = pcim_iomap(fam->pci, REGISTERS_BAR, 0);
	if (!bell->registers)
		return -ENOMEM;
	bell->count = min(count, FAM_VECTORS);
	pci_set_master(fam->pci); /* an MSI is a write of the device */
	return 0;
}

int fam_bell_id(struct fam *fam)
{
	return fam->bell.count ? (int)ioread32(fam->bell.registers + POSITION) : -1;
}

int fam_bell_ring(struct fam *fam, const struct famulus_ring *ring)
{
	if (!fam->bell.count)
		return -EOPNOTSUPP;
	if (ring->peer > FAMULUS_PEERS_MAX || ring->vector >= fam->bell.count)
		return -EINVAL;
	iowrite32(ring->peer << 16 | ring->vector, fam->bell.registers + DOORBELL);
	return 0;
}

static irqreturn_t on_ring(int irq, void *data)
{
	struct fam_vector *vector = data;

	fam_bell_heard(vector->fam, vector->number);
	return IRQ_HANDLED;
}

static int request_vector(struct fam *fam, unsigned int number)
{
	struct fam_vector *vector = &fam->bell.vectors[number];

	vector->fam = fam;
	vector->number = number;
	snprintf(vector->name, sizeof(vector->name), "fam%d-%u", MINOR(fam->dev.devt), number);
	return request_irq(pci_irq_vector(fam->pci, number), on_ring, 0, vector->name, vector);
}

static int request_all(struct fam *fam)
{
	struct fam_bell *bell = &fam->bell;
	int error = 0;

	while (!error && bell->requested < bell->count) {
		error = request_vector(fam, bell->requested);
		bell->requested += !error;
	}
	return error;
}

/* Only what somebody waits for is set up: most nodes never use it, and it costs a clone's start. */
int fam_bell_wake(struct fam *fam)
{
	struct fam_bell *bell = &fam->bell;
	int error;

	if (!bell->count)
		return -EOPNOTSUPP;
	if (bell->requested)
		return 0;
	error = pci_alloc_irq_vectors(fam->pci, bell->count, bell->count, PCI_IRQ_MSIX);
	if (error < 0)
		return error;
	bell->vectors = kcalloc(bell->count, sizeof(*bell->vectors), GFP_KERNEL);
	error = bell->vectors ? request_all(fam) : -ENOMEM;
	if (error)
		fam_bell_silence(fam);
	return error;
}

void fam_bell_silence(struct fam *fam)
{
	struct fam_bell *bell = &fam->bell;

	while (bell->requested) {
		bell->requested--;
		free_irq(pci_irq_vector(fam->pci, bell->requested),
			 &bell->vectors[bell->requested]);
	}
	kfree(bell->vectors);
	bell->vectors = NULL;
	pci_free_irq_vectors(fam->pci);
}
