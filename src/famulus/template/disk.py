# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a partitioned disk from a tar, bootable by itself: no root, no mount, no loop device.

The layout is GRUB's for a BIOS: boot.img's code in sector 0, core.img from sector 1 on, the only
partition from sector 2048 on (https://www.gnu.org/software/grub/manual/grub/html_node/Images.html).
"""

from pathlib import Path

from famulus.base.errors import FamulusError
from famulus.base.run import run
from famulus.template.recipe import DISK_SIZE

_SECTOR = 512
_FIRST = 2048  # sectors
_BOOT_CODE = 440  # bytes of sector 0 before the disk's signature and the partition table
_TIMEOUT = 300.0  # seconds
_GRUB = Path("/usr/lib/grub/i386-pc")
_MODULES = (
    "biosdisk",
    "part_msdos",
    "ext2",
    "normal",
    "linux",
    "serial",
    "terminal",
    "echo",
    "boot",
)


def make_disk(tar: Path, disk: Path, uuid: str) -> None:
    """Make the raw image `disk` with the contents of `tar`, bootable by any BIOS.

    Raises FamulusError if a program fails, OSError if `disk` exists or cannot be written.
    """
    with disk.open("xb") as file:
        file.truncate(DISK_SIZE)
    run(["sfdisk", "--quiet", disk], stdin=f"{_FIRST},,L,*\n", timeout=_TIMEOUT)
    run(mke2fs_arguments(tar, disk, uuid), timeout=_TIMEOUT)
    core = disk.with_name("core.img")
    run(grub_arguments(core), timeout=_TIMEOUT)
    _write_boot_code(disk, (_GRUB / "boot.img").read_bytes(), core.read_bytes())
    core.unlink()


def mke2fs_arguments(tar: Path, disk: Path, uuid: str) -> list[str]:
    """Return the arguments that make the file system from `tar`. Pure."""
    size = DISK_SIZE // 1024 - _FIRST * _SECTOR // 1024
    return [
        "mke2fs", "-q", "-F",
        "-t", "ext4",
        "-L", "famulus",
        "-U", uuid,
        "-E", f"offset={_FIRST * _SECTOR},discard",
        "-d", str(tar),
        str(disk), f"{size}k",
    ]  # fmt: skip


def grub_arguments(core: Path) -> list[str]:
    """Return the arguments that make GRUB's core image. Pure."""
    return [
        "grub-mkimage",
        "-O", "i386-pc",
        "-p", "(hd0,msdos1)/boot/grub",
        "-o", str(core),
        *_MODULES,
    ]  # fmt: skip


def _write_boot_code(disk: Path, boot: bytes, core: bytes) -> None:
    if len(core) > (_FIRST - 1) * _SECTOR:
        raise FamulusError(
            f"GRUB's core image ({len(core)} bytes) does not fit before the partition"
        )
    with disk.open("r+b") as file:
        file.write(boot[:_BOOT_CODE])
        file.seek(_SECTOR)
        file.write(core)
