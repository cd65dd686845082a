# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipe of a template, and the digest that names the template. Pure."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from famulus.settings.kinds import DEFAULT_MIRROR
from famulus.settings.spec import FabricSpec

DISK_SIZE = 8 << 30  # bytes; sparse
_FORMAT = 1  # raise it when the same recipe yields another template

# The kernel's command line when Famulus boots a node. The word `famulus` starts the node's units.
# The other words were measured: they shorten a boot under TCG from 11 to 10 seconds, and the
# settings of psi and vm stop timers that wake an idle node every second, a new node every five.
KERNEL_ARGUMENTS = (
    "console=ttyS0",
    "quiet",
    "net.ifnames=0",
    "mitigations=off",
    "lsm=yama",
    "nowatchdog",
    "tsc=reliable",
    "no_timer_check",
    "raid=noautodetect",
    "systemd.show_status=0",
    "psi=0",
    "sysctl.vm.compaction_proactiveness=0",
    "sysctl.vm.stat_interval=3600",
    "sysctl.vm.dirty_writeback_centisecs=3000",
    "sysctl.net.ipv6.conf.default.disable_ipv6=1",
    "famulus",
)

_PACKAGES = (
    "apt-utils",
    "aptitude",
    "build-essential",
    "ca-certificates",
    "cpio",
    "dbus",
    "e2fsprogs",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kitty-terminfo",
    "kmod",
    "less",
    "locales",
    "ncurses-term",
    "openssh-client",
    "openssh-server",
    "pciutils",
    "pkgconf",
    "psmisc",
    "python3",
    "qemu-guest-agent",
    "sudo",
    "systemd",
    "systemd-sysv",
    "udev",
    "vim",
    "xxd",
    "xz-utils",
    "zstd",
)
_KERNELS = {"cloud": "linux-image-cloud-amd64", "generic": "linux-image-amd64"}
_HEADERS = {"cloud": "linux-headers-cloud-amd64", "generic": "linux-headers-amd64"}
# Later suites have hwclock, and the sysctl that lets every user ping, in packages of their own.
_SPLIT_LATER = ("util-linux-extra", "linux-sysctl-defaults")
_BEFORE_SPLIT = ("bullseye", "bookworm")

_OPTIONS = (
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Retries "5"',
    '--aptopt=Acquire::http::Timeout "20"',
    '--aptopt=Acquire::https::Timeout "20"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)

# After a SIGTERM mmdebstrap goes on to the end of its present step. This shell does not: it kills
# the whole process group, which `base.run` made.
_END_TOGETHER = 'trap "kill -s KILL 0" TERM; "$0" "$@" & wait $!'


@dataclass(frozen=True)
class Recipe:
    """Everything that a template is made from, except Famulus' own files in `guest`.

    The way to the mirror, through a proxy or not, makes no other template.
    `build_packages` are installed for the build only, and removed at its end.
    """

    suite: str
    kernel: str
    mirror: str
    packages: tuple[str, ...]
    build_packages: tuple[str, ...]
    options: tuple[str, ...]

    @classmethod
    def from_spec(cls, spec: FabricSpec) -> "Recipe":
        """Return the recipe for the nodes of `spec`."""
        more = () if spec.suite in _BEFORE_SPLIT else _SPLIT_LATER
        packages = {*_PACKAGES, *more, _KERNELS[spec.kernel], *spec.packages}
        return cls(
            suite=spec.suite,
            kernel=spec.kernel,
            mirror=spec.mirror,
            packages=tuple(sorted(packages)),
            build_packages=tuple(sorted({_HEADERS[spec.kernel]} - packages)),
            options=_OPTIONS,
        )

    def digest(self, files: Mapping[str, bytes]) -> str:
        """Return 16 hex digits that change with the recipe and with `files`."""
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
        recipe = {**asdict(self), "proxy": ""}  # a part of earlier recipes
        everything = {"format": _FORMAT, "disk": DISK_SIZE, "recipe": recipe, "files": sums}
        return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]

    def sources(self) -> list[str]:
        """Return the lines of the nodes' sources.list.

        Debian's own mirror also has updates and security; another mirror may have the suite alone.
        """
        lines = [f"deb {self.mirror} {self.suite} main"]
        if self.mirror == DEFAULT_MIRROR:
            security = self.mirror.removesuffix("debian") + "debian-security"
            lines.append(f"deb {self.mirror} {self.suite}-updates main")
            lines.append(f"deb {security} {self.suite}-security main")
        return lines


def root_uuid(digest: str) -> str:
    """Return the UUID of the root file system of the template `digest`."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, digest))


def mmdebstrap_arguments(
    recipe: Recipe, digest: str, guest: Path, folder: Path, *, root: bool
) -> list[str]:
    """Return the arguments that make rootfs.tar, vmlinuz and initrd in `folder`. Pure.

    `guest` is a folder of that name with Famulus' own files. All processes end with their parent,
    also if the parent is killed. As root, all mounts are in a namespace that ends with the
    processes.
    """
    settings = f"ROOT_UUID={root_uuid(digest)} BUILD_PACKAGES='{' '.join(recipe.build_packages)}'"
    in_chroot = f"{settings} sh /usr/src/guest/template/customize.sh"
    packages = sorted((*recipe.packages, *recipe.build_packages))
    # Packages as Java's make links to manual pages, which fails without the folders of those pages.
    manual_folders = 'for n in 1 2 3 4 5 6 7 8; do mkdir -p "$1/usr/share/man/man$n"; done'
    fast_initramfs = (
        'mkdir -p "$1/etc/initramfs-tools/conf.d" && '
        'printf "COMPRESS=zstd\\nCOMPRESSLEVEL=1\\n" > "$1/etc/initramfs-tools/conf.d/famulus"'
    )
    return [
        "setpriv", "--pdeathsig", "TERM",
        *(("unshare", "--mount") if root else ()),
        "sh", "-c", _END_TOGETHER,
        "mmdebstrap",
        f"--mode={'root' if root else 'unshare'}",
        "--variant=minbase",
        "--format=tar",
        "--verbose",
        f"--include={','.join(packages)}",
        *recipe.options,
        f"--essential-hook={fast_initramfs}",
        f"--essential-hook={manual_folders}",
        f"--customize-hook=copy-in {_quoted(guest)} /usr/src",
        f'--customize-hook=chroot "$1" env {in_chroot}',
        f"--customize-hook=download /boot/famulus-vmlinuz {_quoted(folder / 'vmlinuz')}",
        f"--customize-hook=download /boot/famulus-initrd {_quoted(folder / 'initrd')}",
        '--customize-hook=rm "$1/boot/famulus-vmlinuz" "$1/boot/famulus-initrd"',
        recipe.suite,
        str(folder / "rootfs.tar"),
        *recipe.sources(),
    ]  # fmt: skip


def _quoted(path: Path) -> str:
    """Return `path` quoted for a special hook, which splits words as a shell does."""
    return "'" + str(path).replace("'", "'\\''") + "'"
