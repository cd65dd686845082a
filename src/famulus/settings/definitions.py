# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a fabric. Each setting is written here, once.

From a definition come the option of `famulus up` (and of other verbs that name the setting), the
environment variable FAMULUS_<NAME>, the key of `fabric.toml`, the message about a wrong value, the
refusal to change the setting while nodes run, and the row in docs/reference.md, which
scripts/render_settings.py writes. Rules between settings stand in `spec`.
"""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from famulus.base.paths import POOL_NAME, SHARED_MEMORY
from famulus.base.units import GIB, MIB, TIB
from famulus.settings.identity import MAX_NODES
from famulus.settings.kinds import (
    DEFAULT_MIRROR,
    Lines,
    OptionalPath,
    Packages,
    Password,
    PowerOfTwo,
    Proxy,
    Size,
    Subnet,
    Suite,
    Url,
    Whole,
)
from famulus.settings.setting import Applies, Group, Setting


class Settings(BaseModel):
    """The settings of a fabric, each valid by itself. Sizes are bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: Annotated[
        Whole,
        Field(ge=1, le=MAX_NODES),
        Setting("Number of nodes", Group.FABRIC, Applies.AT_ONCE, option=False),
    ] = 1

    memory: Annotated[
        Size,
        Field(ge=192 * MIB, le=256 * GIB),
        Setting("RAM of a node", Group.MACHINE, Applies.NEXT_START, examples="512M or 2G"),
    ] = 512 * MIB
    cpus: Annotated[
        Whole,
        Field(ge=1, le=64),
        Setting("CPUs of a node", Group.MACHINE, Applies.NEXT_START, metavar="K"),
    ] = 1
    accel: Annotated[
        Literal["auto", "kvm", "tcg"],
        Setting(
            "Accelerator; auto is KVM where KVM works, else TCG", Group.MACHINE, Applies.NEXT_START
        ),
    ] = "auto"
    cold: Annotated[
        bool,
        Setting(
            "Boot new nodes instead of cloning them",
            Group.MACHINE,
            Applies.NEW_NODES,
            off="clone",
            page="clones.md",
        ),
    ] = False

    pool: Annotated[
        PowerOfTwo,
        Field(ge=64 * MIB, le=TIB),
        Setting(
            "Size of the pool, a power of two",
            Group.MEMORY,
            Applies.AFTER_DOWN,
            examples="64M, 1G or 4G",
        ),
    ] = GIB
    pool_file: Annotated[
        OptionalPath,
        Setting(
            f"File of the pool, instead of `{SHARED_MEMORY / POOL_NAME}[.NAME]`",
            Group.MEMORY,
            Applies.AFTER_DOWN,
        ),
    ] = None
    doorbell: Annotated[
        bool,
        Setting(
            "Nodes can interrupt each other through the pool's device",
            Group.MEMORY,
            Applies.NEXT_START,
            page="driver.md",
        ),
    ] = False

    network: Annotated[
        Literal["user", "libvirt"],
        Setting(
            "user needs no root; libvirt runs nodes as domains on a bridged network",
            Group.NETWORK,
            Applies.AFTER_DOWN,
            page="libvirt.md",
        ),
    ] = "user"
    subnet: Annotated[
        Subnet,
        Setting(
            "Private /24: nodes are .1 to .64, the host is .254",
            Group.NETWORK,
            Applies.AFTER_DOWN,
            examples="192.168.42.0/24",
        ),
    ] = IPv4Network("192.168.42.0/24")
    ssh_port: Annotated[
        Whole,
        Field(ge=1024, le=65535),
        Setting(
            "First port of 127.0.0.1 to try for the nodes' ssh",
            Group.NETWORK,
            Applies.NEW_NODES,
            metavar="PORT",
        ),
    ] = 42001

    coherence: Annotated[
        Literal["full", "none"],
        Setting(
            "none: a store stays in its node's cache until write-back",
            Group.COHERENCE,
            Applies.AFTER_DOWN,
            page="noncoherent.md",
        ),
    ] = "full"
    watch: Annotated[
        bool,
        Setting(
            "Nodes report their accesses to the pool, for `trace` and `top`; implied by "
            "`--coherence none`",
            Group.COHERENCE,
            Applies.AFTER_DOWN,
            page="check.md#traces",
            called="QEMU plugin",
            effective="plugin",
        ),
    ] = False
    check: Annotated[
        bool,
        Setting(
            "Check all accesses to the pool until `down`, for `famulus check`; implies "
            "`--coherence none`",
            Group.COHERENCE,
            Applies.AT_ONCE,
            page="check.md#a-fabric-that-is-checked-all-the-time",
        ),
    ] = False
    atomics: Annotated[
        Literal["coherent", "local"],
        Setting(
            "Where locked instructions act without coherence: on the pool (coherent), or in the "
            "node's cache (local)",
            Group.COHERENCE,
            Applies.AFTER_DOWN,
        ),
    ] = "coherent"
    cache: Annotated[
        Lines,
        Field(ge=0),
        Setting(
            "Size of a node's cache; 0 is no bound",
            Group.COHERENCE,
            Applies.AFTER_DOWN,
            expected="0 (no bound), or a size from 64 such as 32K or 1M",
        ),
    ] = 0
    eviction: Annotated[
        Literal["none", "random", "lru"],
        Setting("Line that a full cache evicts", Group.COHERENCE, Applies.AFTER_DOWN),
    ] = "none"
    seed: Annotated[
        Whole,
        Field(ge=0, lt=2**63),
        Setting("Seed of random evictions", Group.COHERENCE, Applies.AFTER_DOWN),
    ] = 0

    suite: Annotated[
        Suite,
        Setting(
            "Debian suite of the nodes",
            Group.PACKAGES,
            Applies.NEW_NODES,
            examples="trixie or bookworm",
        ),
    ] = "trixie"
    kernel: Annotated[
        Literal["cloud", "generic"],
        Setting(
            "Debian kernel; generic has every driver and boots slower",
            Group.PACKAGES,
            Applies.NEW_NODES,
        ),
    ] = "cloud"
    packages: Annotated[
        Packages,
        Setting(
            "Further Debian packages, without recommended packages",
            Group.PACKAGES,
            Applies.NEW_NODES,
            option=False,
        ),
    ] = ()
    mirror: Annotated[
        Url,
        Setting(
            "Debian mirror, for the template and for apt in the nodes",
            Group.PACKAGES,
            Applies.NEW_NODES,
            examples=DEFAULT_MIRROR,
            variables=("MIRROR",),
        ),
    ] = DEFAULT_MIRROR
    proxy: Annotated[
        Proxy,
        Setting(
            "HTTP proxy, for the build of a template and for apt in the nodes",
            Group.PACKAGES,
            Applies.AT_ONCE,
            examples="http://proxy:3128",
            variables=("PROXY", "http_proxy"),
        ),
    ] = ""

    root_password: Annotated[
        Password, Setting("Password of root", Group.FABRIC, Applies.AT_ONCE, option=False)
    ] = "aresquare"  # noqa: S105 - of the script of 2016
    fabric_password: Annotated[
        Password, Setting("Password of fabric", Group.FABRIC, Applies.AT_ONCE, option=False)
    ] = "rocks"  # noqa: S105
