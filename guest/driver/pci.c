// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famulus.ko: the pool of fabric-attached memory, BAR 2 of an ivshmem device, as /dev/fam0.
 *
 * The BARs are not requested: while a driver holds a region, the kernel refuses to map it through
 * sysfs, and /mnt/fabric_emulation is such a map.
 */
#include "fam.h"

#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#define POOL_BAR 2

static unsigned int gid = 1000;
module_param(gid, uint, 0444);
MODULE_PARM_DESC(gid, "group that may open /dev/famN, by default that of user fabric");

static DEFINE_IDA(numbers);
static dev_t first;

static struct class fam_class = {.name = "fam"};

/* Where no udev runs, as in a fresh clone, this alone decides who may open the file. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
static char *node_of(struct device *dev, umode_t *mode, kuid_t *uid, kgid_t *group)
#else
static char *node_of(const struct device *dev, umode_t *mode, kuid_t *uid, kgid_t *group)
#endif
{
	if (mode)
		*mode = 0660;
	if (group)
		*group = KGIDT_INIT(gid);
	return NULL;
}

static const struct device_type fam_type = {.name = "fam", .devnode = node_of};

static void fam_release(struct device *dev)
{
	struct fam *fam = container_of(dev, struct fam, dev);

	ida_free(&numbers, MINOR(dev->devt));
	kfree(fam);
}

static struct fam *fam_new(struct pci_dev *pci)
{
	struct fam *fam = kzalloc(sizeof(*fam), GFP_KERNEL);
	int number;

	if (!fam)
		return ERR_PTR(-ENOMEM);
	number = ida_alloc_max(&numbers, FAM_MINORS - 1, GFP_KERNEL);
	if (number < 0) {
		kfree(fam);
		return ERR_PTR(number);
	}
	device_initialize(&fam->dev);
	fam->dev.parent = &pci->dev;
	fam->dev.class = &fam_class;
	fam->dev.type = &fam_type;
	fam->dev.release = fam_release;
	fam->dev.devt = MKDEV(MAJOR(first), number);
	init_rwsem(&fam->guard);
	fam->pci = pci;
	fam->base = pci_resource_start(pci, POOL_BAR);
	fam->size = pci_resource_len(pci, POOL_BAR);
	return fam;
}

static int fam_add(struct fam *fam)
{
	int error = dev_set_name(&fam->dev, "fam%d", MINOR(fam->dev.devt));

	if (error)
		return error;
	cdev_init(&fam->cdev, &fam_operations);
	fam->cdev.owner = THIS_MODULE;
	return cdev_device_add(&fam->cdev, &fam->dev);
}

static int fam_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct fam *fam;
	int error = pcim_enable_device(pci);

	if (error)
		return error;
	if (!(pci_resource_flags(pci, POOL_BAR) & IORESOURCE_MEM))
		return -ENODEV;
	fam = fam_new(pci);
	if (IS_ERR(fam))
		return PTR_ERR(fam);
	error = fam_bell_find(fam);
	if (!error)
		error = fam_add(fam);
	if (error) {
		put_device(&fam->dev);
		return error;
	}
	pci_set_drvdata(pci, fam);
	return 0;
}

/* Programs may have the pool mapped: from now on to touch it is SIGBUS. */
static void fam_remove(struct pci_dev *pci)
{
	struct fam *fam = pci_get_drvdata(pci);

	cdev_device_del(&fam->cdev, &fam->dev);
	down_write(&fam->guard);
	fam->gone = true;
	if (fam->inode)
		unmap_mapping_range(fam->inode->i_mapping, 0, 0, 1);
	fam_bell_silence(fam);
	up_write(&fam->guard);
	fam_bell_gone(fam);
	put_device(&fam->dev);
}

static const struct pci_device_id ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110)}, /* ivshmem */
	{}};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = "famulus",
	.id_table = ids,
	.probe = fam_probe,
	.remove = fam_remove,
};

static int __init fam_init(void)
{
	int error = class_register(&fam_class);

	if (error)
		return error;
	error = alloc_chrdev_region(&first, 0, FAM_MINORS, "fam");
	if (error)
		goto no_numbers;
	error = pci_register_driver(&driver);
	if (error)
		goto no_driver;
	return 0;
no_driver:
	unregister_chrdev_region(first, FAM_MINORS);
no_numbers:
	class_unregister(&fam_class);
	return error;
}
module_init(fam_init);

static void __exit fam_exit(void)
{
	pci_unregister_driver(&driver);
	unregister_chrdev_region(first, FAM_MINORS);
	class_unregister(&fam_class);
	ida_destroy(&numbers);
}
module_exit(fam_exit);

MODULE_DESCRIPTION("Fabric-attached memory of an emulated fabric");
MODULE_LICENSE("GPL");
