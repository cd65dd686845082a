// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famulus.ko: the pool of fabric-attached memory, BAR 2 of an ivshmem device, as /dev/fam0.
 *
 * The driver does not request the BARs: the kernel refuses to map a requested BAR through sysfs,
 * and /mnt/fabric_emulation is a map through sysfs.
 */
#include "famdev.h"

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

static struct class famdev_class = {.name = "fam"};

/* Without udev, as in a fresh clone, this function alone sets the file's mode and group. */
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

static const struct device_type famdev_type = {.name = "fam", .devnode = node_of};

static void famdev_release(struct device *dev)
{
	struct famdev *famdev = container_of(dev, struct famdev, dev);

	ida_free(&numbers, MINOR(dev->devt));
	kfree(famdev);
}

static struct famdev *famdev_new(struct pci_dev *pci)
{
	struct famdev *famdev = kzalloc(sizeof(*famdev), GFP_KERNEL);
	int number;

	if (!famdev)
		return ERR_PTR(-ENOMEM);
	number = ida_alloc_max(&numbers, FAMDEV_MINORS - 1, GFP_KERNEL);
	if (number < 0) {
		kfree(famdev);
		return ERR_PTR(number);
	}
	device_initialize(&famdev->dev);
	famdev->dev.parent = &pci->dev;
	famdev->dev.class = &famdev_class;
	famdev->dev.type = &famdev_type;
	famdev->dev.release = famdev_release;
	famdev->dev.devt = MKDEV(MAJOR(first), number);
	init_rwsem(&famdev->guard);
	famdev->pci = pci;
	famdev->base = pci_resource_start(pci, POOL_BAR);
	famdev->size = pci_resource_len(pci, POOL_BAR);
	return famdev;
}

static int famdev_add(struct famdev *famdev)
{
	int error = dev_set_name(&famdev->dev, "fam%d", MINOR(famdev->dev.devt));

	if (error)
		return error;
	cdev_init(&famdev->cdev, &famdev_operations);
	famdev->cdev.owner = THIS_MODULE;
	return cdev_device_add(&famdev->cdev, &famdev->dev);
}

static int famdev_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct famdev *famdev;
	int error = pcim_enable_device(pci);

	if (error)
		return error;
	if (!(pci_resource_flags(pci, POOL_BAR) & IORESOURCE_MEM))
		return -ENODEV;
	famdev = famdev_new(pci);
	if (IS_ERR(famdev))
		return PTR_ERR(famdev);
	error = famdev_bell_find(famdev);
	if (!error)
		error = famdev_add(famdev);
	if (error) {
		put_device(&famdev->dev);
		return error;
	}
	pci_set_drvdata(pci, famdev);
	return 0;
}

/* Programs may have the pool mapped: from now on an access to it raises SIGBUS. */
static void famdev_remove(struct pci_dev *pci)
{
	struct famdev *famdev = pci_get_drvdata(pci);

	cdev_device_del(&famdev->cdev, &famdev->dev);
	down_write(&famdev->guard);
	famdev->gone = true;
	if (famdev->inode)
		unmap_mapping_range(famdev->inode->i_mapping, 0, 0, 1);
	famdev_bell_silence(famdev);
	up_write(&famdev->guard);
	famdev_bell_gone(famdev);
	put_device(&famdev->dev);
}

static const struct pci_device_id ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110)}, /* ivshmem */
	{}};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = "famulus",
	.id_table = ids,
	.probe = famdev_probe,
	.remove = famdev_remove,
};

static int __init famdev_init(void)
{
	int error = class_register(&famdev_class);

	if (error)
		return error;
	error = alloc_chrdev_region(&first, 0, FAMDEV_MINORS, "fam");
	if (error)
		goto no_numbers;
	error = pci_register_driver(&driver);
	if (error)
		goto no_driver;
	return 0;
no_driver:
	unregister_chrdev_region(first, FAMDEV_MINORS);
no_numbers:
	class_unregister(&famdev_class);
	return error;
}
module_init(famdev_init);

static void __exit famdev_exit(void)
{
	pci_unregister_driver(&driver);
	unregister_chrdev_region(first, FAMDEV_MINORS);
	class_unregister(&famdev_class);
	ida_destroy(&numbers);
}
module_exit(famdev_exit);

MODULE_DESCRIPTION("Fabric-attached memory of an emulated fabric");
MODULE_LICENSE("GPL");
