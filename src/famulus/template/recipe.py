# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes into a template, and the digest that names it. Pure."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from famulus.settings.kinds import DEFAULT_MIRROR
from famulus.settings.spec import FabricSpec

DISK_SIZE = 8 << 30  # bytes; sparse
_FORMAT = 1  # raise it when what is built from the same recipe changes

# The kernel's command line when Famulus boots a node. `famulus` tells the units in the node that it
# is one. The rest was measured: it brings a boot under TCG from 11 to 10 seconds, and the settings
# of psi and vm stop what would wake an idle node every second, or a new one every five.
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
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "locales",
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
    "xz-utils",
    "zstd",
)
_KERNELS = {"cloud": "linux-image-cloud-amd64", "generic": "linux-image-amd64"}
_HEADERS = {"cloud": "linux-headers-cloud-amd64", "generic": "linux-headers-amd64"}
# Later suites have split hwclock, and the sysctl that lets everybody ping, from what they were in.
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

# mmdebstrap outlives a SIGTERM until the step that it is at is over. This shell does not: it kills
# the whole process group, which is that of `famulus.run`.
_END_TOGETHER = 'trap "kill -s KILL 0" TERM; "$0" "$@" & wait $!'


@dataclass(frozen=True)
class Recipe:
    """Everything that a template is made from, but for our own files in `guest`.

    `build_packages` are there while the template is built, and removed in the end.
    """

    suite: str
    kernel: str
    mirror: str
    proxy: str
    packages: tuple[str, ...]
    build_packages: tuple[str, ...]
    options: tuple[str, ...]

    @classmethod
    def from_spec(cls, spec: FabricSpec) -> "Recipe":
        """Return the recipe for the nodes of `spec`."""
        more = () if spec.suite in _BEFORE_SPLIT else _SPLIT_LATER
        packages = {*_PACKAGES, *more, _KERNELS[spec.kernel], *spec.packages}
        proxy = (f'--aptopt=Acquire::http::Proxy "{spec.proxy}"',) if spec.proxy else ()
        return cls(
            suite=spec.suite,
            kernel=spec.kernel,
            mirror=spec.mirror,
            proxy=spec.proxy,
            packages=tuple(sorted(packages)),
            build_packages=tuple(sorted({_HEADERS[spec.kernel]} - packages)),
            options=_OPTIONS + proxy,
        )

    def digest(self, files: Mapping[str, bytes]) -> str:
        """Return 16 hex digits that change whenever anything that goes in changes."""
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
        everything = {"format": _FORMAT, "disk": DISK_SIZE, "recipe": asdict(self), "files": sums}
        return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]

    def sources(self) -> list[str]:
        """Return the lines of the nodes' sources.list.

        Only Debian's own mirror is known to have updates and security beside the suite.
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
    """Return the arguments that make rootfs.tar, vmlinuz and initrd in `folder`.

    `guest` is a folder of that name with our own files. All that runs ends with the one who waits
    for it, however that ends; and as root it mounts in a namespace of its own, which ends with it.
    """
    settings = f"ROOT_UUID={root_uuid(digest)} BUILD_PACKAGES='{' '.join(recipe.build_packages)}'"
    in_chroot = f"{settings} sh /usr/src/guest/template/customize.sh"
    packages = sorted((*recipe.packages, *recipe.build_packages))
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
    """Return `path` for a special hook, which splits its words as a shell does."""
    return "'" + str(path).replace("'", "'\\''") + "'"
