# SPDX-License-Identifier: GPL-2.0-or-later
"""The types of settings: how a value is read, checked, written and described.

A validator raises ValueError; the message to the user is made from the Kind (see `messages`).
"""

import os
import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from famulus.base.errors import UsageError
from famulus.base.paths import expanded, is_text
from famulus.base.units import format_size, parse_size
from famulus.settings.proxy import normalised
from famulus.settings.setting import Kind

T = TypeVar("T")

DEFAULT_MIRROR = "http://deb.debian.org/debian"
_LINE = 64  # bytes
_SUBNET_PREFIX = 24
_SUITE = re.compile(r"[a-z][a-z0-9-]{0,40}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_URL = re.compile(r"(https?|file)://?[^\s'\"]+")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


def _require(right: object, value: T) -> T:
    """Return `value` if it is right."""
    if not right:
        raise ValueError
    return value


def _number(value: object) -> object:
    """Refuse TOML's `true`, which pydantic takes for 1."""
    return _require(not isinstance(value, bool), value)


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return _number(value)
    try:
        return parse_size(value)
    except UsageError as error:
        raise ValueError(error.brief) from error


def _power_of_two(size: int) -> int:
    return _require(size > 0 and size & (size - 1) == 0, size)


def _whole_lines(size: int) -> int:
    return _require(size % _LINE == 0, size)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _absolute(path: Path | None) -> Path | None:
    """Return `path` without links and `..` in its folder: a path has one spelling."""
    if path is None:
        return None
    path = expanded(path)
    real = Path(os.path.realpath(path.parent)) / path.name  # resolve() raises on a loop of links
    return _require(is_text(str(real)), real)


def _suite(name: str) -> str:
    return _require(_SUITE.fullmatch(name), name)


def _packages(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({_require(_PACKAGE.fullmatch(name), name) for name in names}))


def _url(url: str) -> str:
    return _require(_URL.fullmatch(url), url).rstrip("/")


def _private_24(subnet: IPv4Network) -> IPv4Network:
    return _require(subnet.prefixlen == _SUBNET_PREFIX and subnet.is_private, subnet)


def _one_line(text: str) -> str:
    return _require(text and not _CONTROL_CHARACTER.search(text), text)


Whole = Annotated[int, BeforeValidator(_number), Kind("a whole number", "N")]
Size = Annotated[
    int,
    BeforeValidator(_bytes),
    PlainSerializer(format_size, when_used="json"),
    Kind("a size", "SIZE", written=format_size),
]
PowerOfTwo = Annotated[
    Size, AfterValidator(_power_of_two), Kind("a power of two", "SIZE", written=format_size)
]
Lines = Annotated[Size, AfterValidator(_whole_lines)]
OptionalPath = Annotated[
    Path | None,
    BeforeValidator(_none_if_empty),
    AfterValidator(_absolute),
    Kind("a path", "PATH"),
]
Suite = Annotated[str, AfterValidator(_suite), Kind("a Debian suite", "SUITE")]
Packages = Annotated[
    tuple[str, ...], AfterValidator(_packages), Kind("a list of Debian packages' names", "LIST")
]
Url = Annotated[str, AfterValidator(_url), Kind("a URL", "URL")]
Proxy = Annotated[str, AfterValidator(normalised), Kind("a URL", "URL", may_be_empty=True)]
Subnet = Annotated[IPv4Network, AfterValidator(_private_24), Kind("a private /24", "NET")]
Password = Annotated[
    str, AfterValidator(_one_line), Kind("one line of text that is not empty", "TEXT", secret=True)
]
