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
    """The state of a fabric: its spec, its template's digest, and the ssh port of each node."""

    spec: FabricSpec
    template: str
    ports: dict[int, int] = field(default_factory=dict)


def read_record(path: Path) -> Record:
    """Return the record in the file `path`.

    Raises OSError if the file cannot be read; ValueError, KeyError, TypeError or AttributeError if
    it is not a record.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["format"] != _FORMAT:
        raise ValueError(f"its format is {raw['format']}, this famulus knows {_FORMAT}")
    return Record(FabricSpec.model_validate(raw["spec"]), str(raw["template"]), _ports(raw))


def _ports(raw: dict[str, Any]) -> dict[int, int]:
    return {int(number): int(port) for number, port in raw["ports"].items()}


def write_record(path: Path, record: Record) -> None:
    """Write `record` to the file `path`, whole or not at all. Raises FamulusError."""
    raw = {
        "format": _FORMAT,
        "spec": record.spec.model_dump(mode="json"),
        "template": record.template,
        "ports": record.ports,
    }
    write_private(path, json.dumps(raw, indent=1) + "\n")
