# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's argument lists for a machine: booted, frozen into a snapshot, cloned from one. Pure."""

from pathlib import Path

from famulus.backend.machine import (
    DISK_SLOT,
    DOORBELL_VECTORS,
    NETWORK_SLOT,
    POOL_SLOT,
    PROGRAM,
    RNG_SLOT,
    SERIAL_SLOT,
    TRANSLATION_CACHE,
    Cache,
    Machine,
    cpu_model,
    max_cpus,
)
from famulus.base.units import MIB

LOG = "qemu.log"  # in the folder in which QEMU starts: in the path, QEMU would replace %d
MEMFD = "/memfd:"  # how memory from memfd_create(2) begins in /proc/PID/maps

# The kernel asks ACPI about every device, whether ACPI could unplug the device. These questions are
# half of the time in which a clone finds the pool.
_NO_ACPI_HOTPLUG = (
    "-global", "PIIX4_PM.acpi-root-pci-hotplug=off",
    "-global", "PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off",
)  # fmt: skip


def escape(value: object) -> str:
    """Return `value` for use in a comma-separated QEMU option: a comma is written twice."""
    return str(value).replace(",", ",,")


def _accelerator(m: Machine) -> list[str]:
    if m.accel == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return [
        "-accel", f"tcg,thread=multi,tb-size={TRANSLATION_CACHE}",
        "-cpu", cpu_model(m.address_bits),
    ]  # fmt: skip


def _board(m: Machine, ram: str = "") -> list[str]:
    # The kernel places a device that it finds later in the upper half of all addresses.
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
    # The card hangs on a hub, so that Famulus can replace the cable and the guest notices nothing.
    # The card does not ask the guest to announce it: QEMU 10.0 aborts when a restored card that
    # could ask, while announcements are switched off, is reset.
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
    # Only peer 0 can be master. So QEMU does not migrate these machines away, but still restores a
    # clone from another machine's state. Under TCG QEMU writes the eventfd, direct or not.
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
    log = f",logfile={escape(m.serial_log)},logappend=on"
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
        "-D", LOG,
        "-daemonize",
    ]  # fmt: skip


def node_arguments(m: Machine, switch: Path) -> list[str]:
    """Return the argument list that boots the machine and detaches from the caller.

    The machine's cable is plugged into the switch whose sockets lie in the folder `switch`.
    """
    if not m.cache:
        return _arguments(m, _board(m), _cable(switch), _pool(m))
    # The plugin walks page tables. The name of this memory in /proc/PID/maps leads it there.
    memory = ["-object", f"memory-backend-memfd,id=ram,size={m.memory},share=on"]
    board = [*_frozen_board(m), *memory, *_plugin(m, m.cache, MEMFD)]
    return _arguments(m, board, _cable(switch), _pool(m))


def snapshot_arguments(m: Machine, ram: Path) -> list[str]:
    """Return the argument list that boots a machine to be frozen, its memory in the file `ram`.

    The machine has no pool (`m.pool_file` does not matter) and no cable.
    """
    board = [*_frozen_board(m), *_memory(m, ram, _SHARED), *_first_words(_NO_WORDS, _NOBODY)]
    return _arguments(m, board, [], [])


def plug_arguments(m: Machine, ram: Path) -> list[str]:
    """Return the argument list of a frozen machine that gets a pool and is frozen once more.

    Its memory stays in the file `ram`, which changes.
    """
    board = [*_frozen_board(m), *_memory(m, ram, _SHARED), *_first_words(_NO_WORDS, _NOBODY)]
    return _arguments(m, [*board, *_RESTORED], [], _pool(m))


def clone_arguments(m: Machine, switch: Path, ram: Path, beside: int | None = None) -> list[str]:
    """Return the argument list of a clone, which waits for the state that belongs to `ram`.

    Pages that the clone does not change are those of the file `ram`, which stays as it is. The
    clone reads its request (guest/agent/clone.c) from QEMU's standard input; `beside`, the file
    descriptor of a connected socket, is the clone's second serial port. Without `beside` the clone
    gets its request through the agent's port, as a booted node does. `switch` is as in
    `node_arguments`.
    """
    memory = _memory(m, ram, "share=off,readonly=on,rom=off")
    words = ("file=/dev/stdin", f"socket,fd={beside}") if beside else (_NO_WORDS, _NOBODY)
    plugin = _plugin(m, m.cache, str(ram)) if m.cache else []
    board = [*_frozen_board(m), *memory, *plugin, *_first_words(*words)]
    return _arguments(m, [*board, *_RESTORED], _cable(switch), _pool(m))


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


def _cable(switch: Path) -> list[str]:
    return [
        "-netdev", f"vde,id=cable,sock={escape(switch)}",
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
