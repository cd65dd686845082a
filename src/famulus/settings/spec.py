# SPDX-License-Identifier: GPL-2.0-or-later
"""What the user wants of a fabric: flags over environment over file over what it was made with.

A FabricSpec is frozen and valid; nothing that happens at run time is in it.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
)

from famulus.base.errors import FamulusError, UsageError
from famulus.base.units import GIB, MIB, TIB, format_size, parse_size
from famulus.settings.identity import MAX_NODES

T = TypeVar("T")

DEFAULT_NAME = "fabric"
DEFAULT_MIRROR = "http://deb.debian.org/debian"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_SUITE = re.compile(r"[a-z][a-z0-9-]{0,40}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_URL = re.compile(r"(https?|file)://?[^\s'\"]+")
_SUBNET_PREFIX = 24
_SHOWN = 60  # characters of a wrong value that are repeated to the user


# What would be right, for the message about what is not. Keys are FabricSpec's fields.
_RIGHT = {
    "nodes": f"a whole number from 1 to {MAX_NODES}",
    "memory": "a size from 192M to 256G, such as 512M or 2G",
    "cpus": "a whole number from 1 to 64",
    "pool": "a power of two from 64M to 1T, such as 64M, 1G or 4G",
    "pool_file": "a path",
    "suite": "a Debian suite such as trixie or bookworm",
    "kernel": "cloud or generic",
    "packages": "a list of Debian packages' names",
    "mirror": f"a URL such as {DEFAULT_MIRROR}",
    "proxy": "a URL such as http://proxy:3128",
    "accel": "auto, kvm or tcg",
    "network": "user or libvirt",
    "cold": "true or false",
    "doorbell": "true or false",
    "coherence": "full or none",
    "watch": "true or false",
    "check": "true or false",
    "atomics": "coherent or local",
    "cache": "0 (no bound), or a size from 64 such as 32K or 1M",
    "eviction": "none, random or lru",
    "seed": "a whole number from 0",
    "subnet": "a private /24 such as 192.168.42.0/24",
    "ssh_port": "a whole number from 1024 to 65535",
    "root_password": "one line of text that is not empty",
    "fabric_password": "one line of text that is not empty",
}


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_size(value)
    except UsageError as error:
        raise ValueError(error.brief) from error


Size = Annotated[int, BeforeValidator(_size), PlainSerializer(format_size, when_used="json")]


class FabricSpec(BaseModel):
    """What a fabric shall be. Sizes are bytes; field names are the keys of `fabric.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: int = Field(default=1, ge=1, le=MAX_NODES, description="number of nodes")
    memory: Size = Field(default=512 * MIB, ge=192 * MIB, le=256 * GIB, description="RAM of a node")
    cpus: int = Field(default=1, ge=1, le=64, description="CPUs of a node")
    pool: Size = Field(default=GIB, description="size of the pool, a power of two")
    pool_file: Path | None = Field(default=None, description="file of the pool instead of /dev/shm")
    suite: str = Field(default="trixie", description="Debian suite of the nodes")
    kernel: Literal["cloud", "generic"] = Field(default="cloud", description="Debian kernel")
    packages: tuple[str, ...] = Field(default=(), description="further Debian packages")
    mirror: str = Field(default=DEFAULT_MIRROR, description="Debian mirror")
    proxy: str = Field(default="", description="HTTP proxy for packages")
    accel: Literal["auto", "kvm", "tcg"] = Field(default="auto", description="accelerator")
    network: Literal["user", "libvirt"] = Field(
        default="user", description="without root, or bridged by libvirt"
    )
    cold: bool = Field(default=False, description="boot nodes instead of cloning a snapshot")
    doorbell: bool = Field(default=False, description="nodes can interrupt each other")
    coherence: Literal["full", "none"] = Field(
        default="full", description="whether nodes see each other's stores at once"
    )
    watch: bool = Field(default=False, description="nodes tell of their accesses to the pool")
    check: bool = Field(default=False, description="what nodes do to the pool is checked")
    atomics: Literal["coherent", "local"] = Field(
        default="coherent", description="where locked instructions act without coherence"
    )
    cache: Size = Field(default=0, ge=0, description="room of a node's cache; 0 is no bound")
    eviction: Literal["none", "random", "lru"] = Field(
        default="none", description="which line goes when the cache is full"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="of what is random in caches")
    subnet: IPv4Network = Field(default=IPv4Network("192.168.42.0/24"), description="a /24")
    ssh_port: int = Field(default=42001, ge=1024, le=65535, description="first port to try for ssh")
    root_password: str = Field(default="aresquare", min_length=1, description="root's password")
    fabric_password: str = Field(default="rocks", min_length=1, description="fabric's password")

    @property
    def clones(self) -> bool:
        """Whether new nodes are cloned; libvirt restores only what it has saved itself."""
        return not self.cold and self.network == "user"

    @property
    def rings(self) -> bool:
        """Whether nodes are given a doorbell; libvirt's have the pool alone."""
        return self.doorbell and self.network == "user"

    @property
    def noncoherent(self) -> bool:
        """Whether each node has a cache before the pool that no other node looks into."""
        return self.coherence == "none"

    @property
    def watched(self) -> bool:
        """Whether a plugin is in each node that can tell of its accesses, which caches need."""
        return self.watch or self.noncoherent

    @property
    def accelerator(self) -> Literal["auto", "kvm", "tcg"]:
        """What may run nodes: only translated code can be watched."""
        return "tcg" if self.watched and self.accel == "auto" else self.accel

    @field_validator("nodes", "memory", "cpus", "pool", "ssh_port", "cache", "seed", mode="before")
    @classmethod
    def _no_bool(cls, value: object) -> object:
        # Pydantic takes TOML's `true` for 1.
        return _require(not isinstance(value, bool), value)

    @field_validator("pool")
    @classmethod
    def _pool_size(cls, size: int) -> int:
        return _require(64 * MIB <= size <= TIB and size & (size - 1) == 0, size)

    @field_validator("cache")
    @classmethod
    def _whole_lines(cls, size: int) -> int:
        return _require(size % 64 == 0, size)

    @field_validator("pool_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else None

    @field_validator("suite")
    @classmethod
    def _suite_name(cls, suite: str) -> str:
        return _require(_SUITE.fullmatch(suite), suite)

    @field_validator("packages")
    @classmethod
    def _package_names(cls, packages: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({_require(_PACKAGE.fullmatch(name), name) for name in packages}))

    @field_validator("mirror", "proxy")
    @classmethod
    def _url(cls, url: str, info: Any) -> str:  # noqa: ANN401 - pydantic's own type is private to it
        none = url == "" and info.field_name == "proxy"
        return _require(none or _URL.fullmatch(url), url).rstrip("/")

    @field_validator("subnet")
    @classmethod
    def _slash_24(cls, subnet: IPv4Network) -> IPv4Network:
        return _require(subnet.prefixlen == _SUBNET_PREFIX and subnet.is_private, subnet)

    @field_validator("root_password", "fabric_password")
    @classmethod
    def _one_line(cls, password: str) -> str:
        return _require(not re.search(r"[\x00-\x1f\x7f]", password), password)


def is_name(name: str) -> bool:
    """Tell whether `name` can name a fabric."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return `name` if it can name a fabric, or raise UsageError."""
    if not is_name(name):
        shown = name if len(name) <= 40 else name[:37] + "..."  # noqa: PLR2004
        raise UsageError(
            f"'{shown}' cannot name a fabric",
            hint="Use 1 to 32 letters, digits, - or _, beginning with a letter or digit.",
        )
    return name


def load_spec(
    flags: Mapping[str, object],
    *,
    env: Mapping[str, str] | None = None,
    file: Path | None = None,
    remembered: Mapping[str, object] | None = None,
) -> FabricSpec:
    """Return the spec that the user's words make.

    `flags` (None means not given) win over `env`, that over the TOML `file`, that over what the
    fabric was made with, `remembered`, and that over the defaults. Raises UsageError that names
    the setting, where it came from and what would be right.
    """
    sources = {
        "wgetrc": _from_wgetrc(),
        "an earlier `up`": dict(remembered or {}),
        str(file): read_file(file) if file else {},
        **_from_env(os.environ if env is None else env),
        "the command line": {key: value for key, value in flags.items() if value is not None},
    }
    merged: dict[str, object] = {}
    origin: dict[str, str] = {}
    for source, settings in sources.items():
        merged.update(settings)
        origin.update(dict.fromkeys(settings, source))
    try:
        return FabricSpec.model_validate(merged)
    except ValidationError as error:
        raise _usage_error(error, merged, origin) from error


def read_file(path: Path) -> dict[str, object]:
    """Return the settings in the TOML file `path`. Raises UsageError if it is broken."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _from_env(env: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """FAMULUS_<FIELD>, and the ancestor's MIRROR and PROXY and the usual http_proxy behind them.

    The keys say where each setting came from.
    """
    names = {field: [f"FAMULUS_{field.upper()}"] for field in FabricSpec.model_fields}
    names["mirror"].append("MIRROR")
    names["proxy"] += ["PROXY", "http_proxy"]
    found: dict[str, dict[str, object]] = {}
    for field, variables in names.items():
        name = next((name for name in variables if env.get(name)), None)
        if name is not None:
            value = env[name].split() if field == "packages" else env[name]
            found[f"the environment's {name}"] = {field: value}
    return found


def _from_wgetrc() -> dict[str, object]:
    """Return the proxy that the user's or the system's wgetrc sets, as the ancestor took it."""
    for path in (Path("~/.wgetrc"), Path("/etc/wgetrc")):
        try:
            text = path.expanduser().read_text(encoding="utf-8", errors="replace")
        except (OSError, RuntimeError):
            continue
        if found := re.search(r"^\s*http_?proxy\s*=\s*(\S+)", text, re.MULTILINE | re.IGNORECASE):
            return {"proxy": found[1]}
    return {}


def _require(fulfilled: object, value: T) -> T:
    """Return `value`, or have pydantic report it. What to say about it stands in _RIGHT."""
    if not fulfilled:
        raise ValueError
    return value


def _usage_error(
    error: ValidationError, settings: Mapping[str, object], origin: Mapping[str, str]
) -> FamulusError:
    wrong = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors())
    lines = [f"{key}: {_problem(key, settings)} (from {origin[key]})" for key in wrong]
    unknown = any(key not in _RIGHT for key in wrong)
    hint = "The settings are " + ", ".join(_RIGHT) + "." if unknown else ""
    return UsageError(lines[0], details="\n".join(lines[1:]), hint=hint)


def _problem(key: str, settings: Mapping[str, object]) -> str:
    if key not in _RIGHT:
        return "there is no such setting"
    if key.endswith("password"):
        return f"must be {_RIGHT[key]}"
    value = settings[key]
    shown = f"'{value}'" if isinstance(value, str) else str(value)
    if len(shown) > _SHOWN:
        shown = shown[: _SHOWN - 3] + "..."
    return f"must be {_RIGHT[key]}, not {shown}"
