// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings of the pool: write-back cached, in pages of 1 GiB, 2 MiB and 4 KiB.
 *
 * The kernel records one memory type for each range of physical addresses, and its own functions
 * insert pages of the recorded type. If write-back were recorded, the kernel would refuse the
 * uncached map of /mnt/fabric_emulation; if an uncached map came first, maps of this driver would
 * be uncached. So the driver makes the page table entries itself. All caches of a virtual machine
 * are the host's caches, which are coherent.
 */
#include "famdev.h"

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

static struct famdev *famdev_of(struct vm_area_struct *vma)
{
	struct famdev_file *opened = vma->vm_file->private_data;

	return opened->famdev;
}

static unsigned long frame_at(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long page = vma->vm_pgoff + ((address - vma->vm_start) >> PAGE_SHIFT);

	return PHYS_PFN(famdev_of(vma)->base) + page;
}

/* The entries are marked as having no struct page, so that get_user_pages() refuses them. */
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
#define pmd_mkbare pmd_mkspecial
#else
#define pmd_mkbare pmd_mkdevmap
#endif

static vm_fault_t insert_pmd(struct vm_fault *vmf, unsigned long frame)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t result = VM_FAULT_NOPAGE;
	spinlock_t *lock = pmd_lock(vma->vm_mm, vmf->pmd);

	if (pmd_none(*vmf->pmd))
		set_pmd_at(vma->vm_mm, vmf->address & PMD_MASK, vmf->pmd,
			   pmd_mkbare(pmd_mkhuge(pfn_pmd(frame, vma->vm_page_prot))));
	else if (vmf->flags & FAULT_FLAG_WRITE && !pmd_write(*vmf->pmd))
		result = VM_FAULT_FALLBACK; /* the kernel splits the page and faults again */
	spin_unlock(lock);
	return result;
}

/* Kernels without this option lose a page of 1 GiB when mprotect(2) changes its protection. */
#ifdef CONFIG_ARCH_SUPPORTS_PUD_PFNMAP
static bool has_pud(void)
{
	return boot_cpu_has(X86_FEATURE_GBPAGES);
}

static vm_fault_t insert_pud(struct vm_fault *vmf, unsigned long frame)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t result = VM_FAULT_NOPAGE;
	spinlock_t *lock = pud_lock(vma->vm_mm, vmf->pud);

	if (pud_none(*vmf->pud))
		set_pud_at(vma->vm_mm, vmf->address & PUD_MASK, vmf->pud,
			   pud_mkspecial(pud_mkhuge(pfn_pud(frame, vma->vm_page_prot))));
	else if (vmf->flags & FAULT_FLAG_WRITE && !pud_write(*vmf->pud))
		result = VM_FAULT_FALLBACK;
	spin_unlock(lock);
	return result;
}
#else
static bool has_pud(void)
{
	return false;
}

static vm_fault_t insert_pud(struct vm_fault *vmf, unsigned long frame)
{
	return VM_FAULT_FALLBACK;
}
#endif

static vm_fault_t insert_huge(struct vm_fault *vmf, unsigned long size)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & ~(size - 1), frame;

	if (start < vma->vm_start || vma->vm_end - start < size)
		return VM_FAULT_FALLBACK;
	frame = frame_at(vma, start);
	if (PFN_PHYS(frame) & (size - 1))
		return VM_FAULT_FALLBACK;
	if (size == PMD_SIZE)
		return insert_pmd(vmf, frame);
	return has_pud() ? insert_pud(vmf, frame) : VM_FAULT_FALLBACK;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
static unsigned int order_of(enum page_entry_size size)
{
	return size == PE_SIZE_PUD ? PUD_SHIFT - PAGE_SHIFT : PMD_SHIFT - PAGE_SHIFT;
}

static vm_fault_t famdev_huge_fault(struct vm_fault *vmf, enum page_entry_size entry)
{
	unsigned long size = PAGE_SIZE << order_of(entry);
#else
static vm_fault_t famdev_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long size = PAGE_SIZE << order;
#endif
	struct famdev *famdev = famdev_of(vmf->vma);
	vm_fault_t result;

	if (size != PMD_SIZE && size != PUD_SIZE)
		return VM_FAULT_FALLBACK;
	down_read(&famdev->guard);
	result = famdev->gone ? VM_FAULT_SIGBUS : insert_huge(vmf, size);
	up_read(&famdev->guard);
	return result;
}

static int set_small(pte_t *pte, unsigned long address, void *data)
{
	struct vm_area_struct *vma = data;
	pte_t entry = pfn_pte(frame_at(vma, address), vma->vm_page_prot);

	if (pte_none(*pte))
		set_pte_at(vma->vm_mm, address, pte, pte_mkspecial(entry));
	return 0;
}

/* Where a page of 2 MiB does not fit: insert all small pages of these 2 MiB at once. */
static vm_fault_t insert_small(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = max(vmf->address & PMD_MASK, vma->vm_start);
	unsigned long end = min((vmf->address & PMD_MASK) + PMD_SIZE, vma->vm_end);

	if (apply_to_page_range(vma->vm_mm, start, end - start, set_small, vma))
		return VM_FAULT_OOM;
	return VM_FAULT_NOPAGE;
}

static vm_fault_t famdev_fault(struct vm_fault *vmf)
{
	struct famdev *famdev = famdev_of(vmf->vma);
	vm_fault_t result;

	down_read(&famdev->guard);
	result = famdev->gone ? VM_FAULT_SIGBUS : insert_small(vmf);
	up_read(&famdev->guard);
	return result;
}

static const struct vm_operations_struct famdev_mapping = {
	.fault = famdev_fault,
	.huge_fault = famdev_huge_fault,
	.access = generic_access_phys, /* for debuggers */
};

int famdev_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long flags = VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	struct famdev_file *opened = file->private_data;
	unsigned long pages = opened->famdev->size >> PAGE_SHIFT;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff > pages ||
	    vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags |= flags;
#else
	vm_flags_set(vma, flags);
#endif
	vma->vm_ops = &famdev_mapping;
	return 0;
}

static unsigned long find_area(struct file *file, unsigned long address, unsigned long length,
			       unsigned long page, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	return current->mm->get_unmapped_area(file, address, length, page, flags);
#else
	return mm_get_unmapped_area(current->mm, file, address, length, page, flags);
#endif
}

/* Return the requested address, or one that has the pool's alignment, so that huge pages fit. */
unsigned long famdev_get_unmapped_area(struct file *file, unsigned long address,
				       unsigned long length, unsigned long page,
				       unsigned long flags)
{
	unsigned long align = has_pud() && length >= PUD_SIZE ? PUD_SIZE : PMD_SIZE, found;

	if (!address && length >= PMD_SIZE && length + align > length) {
		found = find_area(file, 0, length + align, page, flags);
		if (!IS_ERR_VALUE(found))
			return found + (((page << PAGE_SHIFT) - found) & (align - 1));
	}
	return find_area(file, address, length, page, flags);
}
