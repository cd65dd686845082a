# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus region list|show|read|write|rm`."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from famulus.base.text import visible
from famulus.base.units import format_size, human_size
from famulus.cli.app import App
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, JsonOption, make_events
from famulus.cli.pool import (
    FileOption,
    HexOption,
    TextArgument,
    given_bytes,
    parse_offset,
    print_range,
)
from famulus.cli.screen import screen
from famulus.fabric import regions
from famulus.fabric.fabric import open_fabric
from famulus.pool import access, directory
from famulus.pool.directory import Region

app = App(
    help="Read and change the named regions of the pool, with or without running nodes.",
    epilog="OFFSET and SIZE are bytes within the region: 64, 4K, 0x1000.",
    no_args_is_help=True,
)

_SHOWN = 256  # bytes that `read` shows by default
_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name, as `famulus region list` shows it.")
]


@app.command("list", epilog="Example: `famulus region list --json`")
def list_regions(fabric: FabricOption = DEFAULT_FABRIC, json_output: JsonOption = False) -> None:
    """List the regions and reserved ranges, by offset."""
    found = directory.read(open_fabric(fabric).pool)
    ordered = sorted(found.regions, key=lambda region: region.offset)
    if json_output:
        typer.echo(json.dumps([_as_json(region) for region in ordered], indent=2))
    else:
        _print_table(ordered)
    if found.damaged:
        typer.echo(
            f"{found.damaged} damaged entries: regions are lost, and no new ones can be made until "
            "fam_directory_repair() forgets them",
            err=True,
        )


@app.command(epilog="Example: `famulus region show mydata`")
def show(
    name: _Name, fabric: FabricOption = DEFAULT_FABRIC, json_output: JsonOption = False
) -> None:
    """Show the directory's entry of one region."""
    region = directory.read(open_fabric(fabric).pool).find(name)
    if json_output:
        typer.echo(json.dumps(_as_json(region), indent=2))
        return
    typer.echo(f"region   {visible(region.name)}")
    typer.echo(f"kind     {region.kind}")
    typer.echo(f"offset   {region.offset:#x} in the pool")
    typer.echo(f"size     {format_size(region.size)}")
    typer.echo(f"owner    {region.uid}:{region.gid}")
    typer.echo(f"mode     {region.mode:04o}")
    typer.echo(f"created  {_date(region.created)}")


@app.command(epilog="Examples: `famulus region read mydata`, `famulus region read mydata 4K 64`")
def read(
    name: _Name,
    offset: Annotated[str, typer.Argument(metavar="OFFSET", help="Such as 0 or 4K.")] = "0",
    size: Annotated[str | None, typer.Argument(metavar="SIZE", help="Such as 64.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print raw bytes.")] = False,
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Print a part of a region in hexadecimal and ASCII; by default its first 256 bytes.

    The printed offsets are offsets in the pool.
    """
    pool = open_fabric(fabric).pool
    region, start = directory.read(pool).find(name), parse_offset(offset)
    length = min(_SHOWN, region.size - start) if size is None else parse_offset(size)
    directory.check_range(region, start, length)
    found = access.read(pool, region.offset + start, length)
    print_range(found, raw=raw)


@app.command(epilog="Examples: `famulus region write mydata 0 hello`, `… write mydata 4K --file x`")
def write(
    name: _Name,
    offset: Annotated[str, typer.Argument(metavar="OFFSET", help="Such as 0 or 4K.")],
    text: TextArgument = None,
    as_hex: HexOption = False,
    file: FileOption = None,
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Write text, bytes or a file to a region. Data that does not fit is not written at all."""
    pool = open_fabric(fabric).pool
    region, start = directory.read(pool).find(name), parse_offset(offset)
    data = given_bytes(text, file, max(region.size - start, 0), as_hex=as_hex)
    directory.check_range(region, start, len(data))
    access.write(pool, region.offset + start, data)
    typer.echo(f"wrote {len(data)} bytes at {start:#x} of {visible(region.name)}", err=True)


@app.command(epilog="Example: `famulus region rm mydata`")
def rm(name: _Name, fabric: FabricOption = DEFAULT_FABRIC) -> None:
    """Remove a region. Programs that have the region open must not use it any more.

    If a node runs, the node removes the region: nodes change the directory under their own lock.
    """
    regions.remove(open_fabric(fabric), name, make_events())
    typer.echo(f"removed {visible(name)}", err=True)


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):  # the node's clock was wrong
        return f"{seconds} seconds after 1970"


def _as_json(region: Region) -> dict[str, object]:
    row = asdict(region)
    del row["index"], row["sequence"], row["reserved"]
    return {**row, "kind": region.kind}


def _print_table(ordered: list[Region]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("NAME", "KIND", "OFFSET", "SIZE", "OWNER", "MODE"):
        table.add_column(title, justify="right" if title in ("OFFSET", "SIZE") else "left")
    for region in ordered:
        table.add_row(
            escape(visible(region.name)),
            region.kind,
            f"{region.offset:#x}",
            human_size(region.size),
            f"{region.uid}:{region.gid}",
            f"{region.mode:04o}",
        )
    screen().print(table)
