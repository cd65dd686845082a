# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's argument lists for a node: booted, frozen into a snapshot, cloned from one. Pure.

Every device is pinned to its own slot: the device tree must be the same after a boot and after a
restored snapshot, whatever was plugged in between.
"""

from dataclasses import dataclass
from pathlib import Path

from famulus.base.units import MIB

PROGRAM = "qemu-system-x86_64"

NETWORK_SLOT = "03"
POOL_SLOT = "04"
DISK_SLOT = "05"
SERIAL_SLOT = "06"
RNG_SLOT = "07"

DOORBELL_VECTORS = 4  # of each node; a QEMU holds an eventfd for each vector of each peer

# Page tables of five levels, and string moves that TCG carries out byte by byte, would slow a boot
# by a tenth.
SLOW_FEATURES = ("la57", "erms", "fsrm")

MEMFD = "/memfd:"  # how memory from memfd_create(2) begins in /proc/PID/maps

TRANSLATION_CACHE = 128  # MiB; without a bound a node's may grow to 1 GiB

# A kernel asks ACPI about every device it finds, if ACPI could unplug it: half of what it costs a
# clone to find the pool.
_NO_ACPI_HOTPLUG = (
    "-global", "PIIX4_PM.acpi-root-pci-hotplug=off",
    "-global", "PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off",
)  # fmt: skip


@dataclass(frozen=True)
class Cache:
    """What makes of a machine node `number` with a cache of its own before the pool.

    `folder` has the files that the caches share, `image` is what the machine has for the pool,
    `plugin` what keeps it (native/plugin/plugin.c).
    """

    plugin: Path
    folder: Path
    image: Path
    number: int


@dataclass(frozen=True)
class Machine:
    """A node's machine. `memory` and `pool_size` are bytes; paths are absolute.

    `folder` takes what is kept (log, pid file), `sockets` the sockets, whose names begin with
    `name`. `address_bits` is the width of the CPU's physical addresses. `doorbell` is the socket of
    the server that gives it pool and peers; without one it has the pool alone.
    """

    name: str
    mac: str
    memory: int
    cpus: int
    accel: str
    disk: Path
    kernel: Path
    initrd: Path
    kernel_arguments: tuple[str, ...]
    pool_file: Path
    pool_size: int
    switch: Path
    folder: Path
    sockets: Path
    address_bits: int
    doorbell: Path | None = None
    cache: "Cache | None" = None

    def socket(self, kind: str) -> Path:
        """Return the socket for `kind`: qmp, agent, console or hvc."""
        return self.sockets / f"{self.name}.{kind}"


def max_cpus(accel: str, cpus: int) -> int:
    """Return how many CPUs the machine could ever have.

    Under TCG a machine that can only have one is given non-atomic code for locked instructions,
    and atomics between nodes are then wrong (measured: shared/facts.md). Hence two at least.
    """
    return max(cpus, 2) if accel == "tcg" else cpus


def escape(value: object) -> str:
    """Return `value` for use in a comma-separated QEMU option: a comma is written twice."""
    return str(value).replace(",", ",,")


def cpu_model(address_bits: int) -> str:
    """Return the CPU that TCG shall be, with physical addresses of so many bits."""
    slow = (f"{feature}=off" for feature in SLOW_FEATURES)
    return ",".join(["max", f"phys-bits={address_bits}", *slow])


def _accelerator(m: Machine) -> list[str]:
    if m.accel == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return [
        "-accel", f"tcg,thread=multi,tb-size={TRANSLATION_CACHE}",
        "-cpu", cpu_model(m.address_bits),
    ]  # fmt: skip


def _board(m: Machine, ram: str = "") -> list[str]:
    # A kernel that finds a new device places it by itself, in the upper half of all addresses.
    hole = 1 << (m.address_bits - 1)
    return [
        "-name", f"{m.name},process=famulus-{m.name}",
        "-nodefaults", "-no-user-config",
        "-display", "none",
        "-machine", f"pc,usb=off,vmport=off,hpet=off{ram}",
        *_NO_ACPI_HOTPLUG,
        "-global", f"i440FX-pcihost.pci-hole64-size={hole}",
        *_accelerator(m),
        "-smp", f"{m.cpus},maxcpus={max_cpus(m.accel, m.cpus)}",
        "-m", f"{m.memory // MIB}M",
    ]  # fmt: skip


def _boot(m: Machine) -> list[str]:
    return [
        "-kernel", str(m.kernel),
        "-initrd", str(m.initrd),
        "-append", " ".join(m.kernel_arguments),
    ]  # fmt: skip


def _network(m: Machine, cable: list[str]) -> list[str]:
    # The card hangs on a hub, so that its cable can be drawn and plugged in anew unnoticed. Guests
    # are not asked to announce it: QEMU 10.0 dies when a card that could is restored, with no
    # announcements wanted, and then reset.
    card = "virtio-net-pci,id=nic0,netdev=net0,romfile=,guest_announce=off"
    return [
        "-netdev", "hubport,id=net0,hubid=0",
        *cable,
        "-device", f"{card},mac={m.mac},addr={NETWORK_SLOT}",
    ]  # fmt: skip


def _pool(m: Machine) -> list[str]:
    if m.doorbell:
        return _pool_with_doorbell(m, m.doorbell)
    file = escape(m.cache.image if m.cache else m.pool_file)
    return [
        "-object", f"memory-backend-file,id=pool,mem-path={file},size={m.pool_size},share=on",
        "-device", f"ivshmem-plain,id=fam0,memdev=pool,master=on,addr={POOL_SLOT}",
    ]  # fmt: skip


def _pool_with_doorbell(m: Machine, server: Path) -> list[str]:
    # Only the peer 0 can be master: these nodes cannot be migrated, but a clone can still begin as
    # what another machine was. Under TCG it is QEMU that writes the eventfd, direct or not.
    direct = "off" if m.accel == "tcg" else "on"
    options = f"vectors={DOORBELL_VECTORS},ioeventfd={direct},addr={POOL_SLOT}"
    return [
        "-chardev", f"socket,id=doorbell,path={escape(server)}",
        "-device", f"ivshmem-doorbell,id=fam0,chardev=doorbell,{options}",
    ]  # fmt: skip


def _disk(m: Machine) -> list[str]:
    file = f"file.driver=file,file.filename={escape(m.disk)}"
    return [
        "-blockdev", f"qcow2,node-name=disk,discard=unmap,{file}",
        "-device", f"virtio-blk-pci,id=disk0,drive=disk,addr={DISK_SLOT}",
    ]  # fmt: skip


def _socket(m: Machine, kind: str, extra: str = "") -> list[str]:
    return ["-chardev", f"socket,id={kind},path={escape(m.socket(kind))},server=on,wait=off{extra}"]


def _consoles(m: Machine) -> list[str]:
    log = f",logfile={escape(m.folder / 'serial.log')},logappend=on"
    return [
        *_socket(m, "console", log),
        "-serial", "chardev:console",
        "-device", f"virtio-serial-pci,id=ports,addr={SERIAL_SLOT}",
        *_socket(m, "hvc"),
        "-device", "virtconsole,chardev=hvc,bus=ports.0,nr=0",
        *_socket(m, "agent"),
        "-device", "virtserialport,chardev=agent,name=org.famulus.agent.0,bus=ports.0,nr=1",
    ]  # fmt: skip


def _entropy() -> list[str]:
    return [
        "-object", "rng-random,id=entropy,filename=/dev/urandom",
        "-device", f"virtio-rng-pci,id=rng0,rng=entropy,addr={RNG_SLOT}",
    ]  # fmt: skip


def _control(m: Machine) -> list[str]:
    return [
        "-qmp", f"unix:{escape(m.socket('qmp'))},server=on,wait=off",
        "-pidfile", str(m.folder / "qemu.pid"),
        "-D", str(m.folder / "qemu.log"),
        "-daemonize",
    ]  # fmt: skip


def node_arguments(m: Machine) -> list[str]:
    """Return the whole argument list that boots the node and leaves it running by itself."""
    if not m.cache:
        return _arguments(m, _board(m), _cable(m), _pool(m))
    # The plugin walks page tables, which it finds by the name that this memory has in the process.
    memory = ["-object", f"memory-backend-memfd,id=ram,size={m.memory},share=on"]
    board = [*_frozen_board(m), *memory, *_plugin(m, m.cache, MEMFD)]
    return _arguments(m, board, _cable(m), _pool(m))


def snapshot_arguments(m: Machine, ram: Path) -> list[str]:
    """Return the argument list that boots a machine to be frozen, its memory in the file `ram`.

    It has no pool and a network without a way out; `m.pool_file` and `m.switch` do not matter.
    """
    board = [*_frozen_board(m), *_memory(m, ram, _SHARED), *_first_words(_NO_WORDS, _NOBODY)]
    return _arguments(m, board, [], [])


def plug_arguments(m: Machine, ram: Path) -> list[str]:
    """Return the argument list of such a machine with a pool, to be restored and frozen once more.

    Its memory stays in the file `ram`, which it changes.
    """
    board = [*_frozen_board(m), *_memory(m, ram, _SHARED), *_first_words(_NO_WORDS, _NOBODY)]
    return _arguments(m, [*board, *_RESTORED], [], _pool(m))


def clone_arguments(m: Machine, ram: Path, beside: int | None = None) -> list[str]:
    """Return the argument list of a clone, which waits for the state that belongs to `ram`.

    Pages that the clone does not change are those of the file `ram`, which stays as it is. It finds
    its request (guest/agent/clone.c) on QEMU's standard input; `beside`, the file descriptor of a
    connected socket, is its second serial port. Without it the clone is asked as any node is.
    """
    memory = _memory(m, ram, "share=off,readonly=on,rom=off")
    words = ("file=/dev/stdin", f"socket,fd={beside}") if beside else (_NO_WORDS, _NOBODY)
    plugin = _plugin(m, m.cache, str(ram)) if m.cache else []
    board = [*_frozen_board(m), *memory, *plugin, *_first_words(*words)]
    return _arguments(m, [*board, *_RESTORED], _cable(m), _pool(m))


_SHARED = "share=on"
_NO_WORDS = "string=-"
_NOBODY = "null"
_RESTORED = ["-incoming", "defer"]


def _frozen_board(m: Machine) -> list[str]:
    return _board(m, ",memory-backend=ram")


def _memory(m: Machine, ram: Path, options: str) -> list[str]:
    return [
        "-object",
        f"memory-backend-file,id=ram,mem-path={escape(ram)},size={m.memory},{options}",
    ]


def _plugin(m: Machine, cache: Cache, ram: str) -> list[str]:
    settings = {
        "pool": m.pool_file,
        "folder": cache.folder,
        "node": cache.number,
        "ram": ram,
        "memory": m.memory,
    }
    words = [f"{key}={escape(value)}" for key, value in settings.items()]
    return ["-plugin", ",".join([escape(cache.plugin), *words])]


def _first_words(request: str, beside: str) -> list[str]:
    return [
        "-fw_cfg", f"name=opt/org.famulus/request,{request}",
        "-chardev", f"{beside},id=beside",
        "-device", "isa-serial,index=1,chardev=beside",
    ]  # fmt: skip


def _cable(m: Machine) -> list[str]:
    return [
        "-netdev", f"vde,id=cable,sock={escape(m.switch)}",
        "-netdev", "hubport,id=plug,hubid=0,netdev=cable",
    ]  # fmt: skip


def _arguments(m: Machine, board: list[str], cable: list[str], pool: list[str]) -> list[str]:
    return [
        PROGRAM,
        *board,
        *_boot(m),
        *_network(m, cable),
        *pool,
        *_disk(m),
        *_consoles(m),
        *_entropy(),
        *_control(m),
    ]
