# SPDX-License-Identifier: GPL-2.0-or-later
"""The stored state of a fabric: its spec, its template and its ports, as JSON.

Only facts that cannot be derived are stored; whether a node runs is not, see `base.process`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from famulus.base.files import write_private
from famulus.settings.spec import FabricSpec

_FORMAT = 1


@dataclass(frozen=True)
class Record:
    """The state of a fabric: its spec, its template's digest, and the ssh port of each node.

    `pool` is the place that Famulus chose for the pool, None before the choice; the spec may name
    another one. `pools` are the places of all pools that the fabric has had, None if an earlier
    version of Famulus wrote the record.
    """

    spec: FabricSpec
    template: str
    ports: dict[int, int] = field(default_factory=dict)
    pool: Path | None = None
    pools: tuple[Path, ...] | None = ()


def read_record(path: Path) -> Record:
    """Return the record in the file `path`.

    Raises OSError if the file cannot be read; ValueError, KeyError, TypeError or AttributeError if
    it is not a record.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["format"] != _FORMAT:
        raise ValueError(f"its format is {raw['format']}, this famulus knows {_FORMAT}")
    spec, folder = FabricSpec.model_validate(raw["spec"]), path.parent
    pool = folder / raw["pool"] if raw.get("pool") else None
    pools = tuple(folder / name for name in raw["pools"]) if "pools" in raw else None
    return Record(spec, str(raw["template"]), _ports(raw), pool, pools)


def _ports(raw: dict[str, Any]) -> dict[int, int]:
    return {int(number): int(port) for number, port in raw["ports"].items()}


def write_record(path: Path, record: Record) -> None:
    """Write `record` to the file `path`, whole or not at all. Raises FamulusError."""
    raw: dict[str, Any] = {
        "format": _FORMAT,
        "spec": record.spec.model_dump(mode="json"),
        "template": record.template,
        "ports": record.ports,
        "pool": record.pool and _from(path.parent, record.pool),
    }
    if record.pools is not None:
        raw["pools"] = [_from(path.parent, pool) for pool in record.pools]
    write_private(path, json.dumps(raw, indent=1) + "\n")


def _from(folder: Path, path: Path) -> str:
    """Return `path`; counted from `folder` if it lies below, so that `folder` can be moved."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
