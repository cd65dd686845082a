# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus pool show|read|write|clear|save|load`."""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from famulus.base.errors import FamulusError, UsageError
from famulus.base.sparse import CHUNK, Piece
from famulus.base.units import format_size, human_size, parse_size
from famulus.cli.app import App
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, JsonOption
from famulus.cli.stdin import confirm, read_stdin
from famulus.fabric.fabric import open_fabric
from famulus.pool import access
from famulus.pool.file import check
from famulus.pool.hexdump import hexdump

app = App(
    help="Read and change the pool from the host, with or without running nodes.",
    epilog="OFFSET and SIZE are bytes: 4096, 4K, 0x1000.",
    no_args_is_help=True,
)

_SHOWN = 256  # bytes that `read` shows by default
_READ = (
    "Examples: `famulus pool read`, `famulus pool read 4K 0x40`, "
    "`famulus pool read 0 1M --raw > first-MiB`"
)
_WRITE = (
    "Examples: `famulus pool write 0 'hello fabric'`, "
    "`famulus pool write 0x1000 'de ad be ef' --hex`, "
    "`famulus pool write 1M --file data.bin`, `date | famulus pool write 0 --file -`"
)
TextArgument = Annotated[
    str | None,
    typer.Argument(metavar="[TEXT]", help="Text to write, as UTF-8 without a zero byte."),
]
HexOption = Annotated[bool, typer.Option("--hex", help="TEXT is bytes in hexadecimal.")]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="Write the bytes of FILE; - is standard input."),
]
_Offset = Annotated[str, typer.Argument(metavar="OFFSET", help="Such as 0, 4K or 0x1000.")]
_Size = Annotated[str | None, typer.Argument(metavar="SIZE", help="Such as 64, 4K or 0x40.")]


@app.command(epilog="Example: `famulus pool show --json`")
def show(fabric: FabricOption = DEFAULT_FABRIC, json_output: JsonOption = False) -> None:
    """Show the path of the pool, its size, and how much memory it uses."""
    pool = open_fabric(fabric).pool
    status = check(pool)
    used = status.st_blocks * 512
    if json_output:
        row = {"fabric": fabric, "path": str(pool), "size": status.st_size, "used": used}
        typer.echo(json.dumps(row, indent=2))
        return
    typer.echo(f"fabric  {fabric}")
    typer.echo(f"path    {pool}")
    typer.echo(f"size    {format_size(status.st_size)}")
    typer.echo(f"used    {human_size(used)} of {pool.path.parent}")


@app.command(epilog=_READ)
def read(
    offset: _Offset = "0",
    size: _Size = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print raw bytes.")] = False,
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Print a range of the pool in hexadecimal and ASCII; by default the first 256 bytes.

    Equal lines are shortened to one `*`.
    """
    pool = open_fabric(fabric).pool
    start = parse_offset(offset)
    length = min(_SHOWN, check(pool).st_size - start) if size is None else parse_offset(size)
    found = access.read(pool, start, length)
    print_range(found, raw=raw)


@app.command(epilog=_WRITE)
def write(
    offset: _Offset,
    text: TextArgument = None,
    as_hex: HexOption = False,
    file: FileOption = None,
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Write text, bytes or a file to the pool. Data that does not fit is not written at all."""
    pool = open_fabric(fabric).pool
    start = parse_offset(offset)
    data = given_bytes(text, file, max(check(pool).st_size - start, 0), as_hex=as_hex)
    access.write(pool, start, data)
    typer.echo(f"wrote {len(data)} bytes at {start:#x}", err=True)


@app.command(epilog="Examples: `famulus pool clear`, `famulus pool clear 1M 4K --yes`")
def clear(
    offset: Annotated[
        str | None, typer.Argument(metavar="[OFFSET", help="Such as 0, 4K or 0x1000.")
    ] = None,
    size: Annotated[
        str | None, typer.Argument(metavar="SIZE]", help="Such as 64, 4K or 0x40.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Fill a range of the pool, by default the whole pool, with zeros, and free its memory.

    Asks first; no answer means no.
    """
    if offset is not None and size is None:
        raise UsageError(
            "the size of the range to clear is missing", hint="Give OFFSET and SIZE, or neither."
        )
    pool = open_fabric(fabric).pool
    total = check(pool).st_size
    start = parse_offset(offset or "0")
    length = total if size is None else parse_offset(size)
    extent = "all" if size is None else f"{length:#x} bytes at {start:#x}"
    if not yes and not confirm(f"Clear {extent} of the pool {pool}?"):
        raise FamulusError("nothing was cleared", hint="Answer y, or give --yes.")
    typer.echo(f"cleared {human_size(access.clear(pool, start, length))}", err=True)


@app.command(epilog="Example: `famulus pool save before.pool`")
def save(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to make, sparse, with mode 0600.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Copy the pool to a sparse file. Nodes can store meanwhile."""
    size = access.save(open_fabric(fabric).pool, file, force=force)
    typer.echo(f"saved {format_size(size)} to {file}", err=True)


@app.command(epilog="Example: `famulus pool load before.pool`")
def load(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file of `pool save`, or any other.")
    ],
    fabric: FabricOption = DEFAULT_FABRIC,
) -> None:
    """Copy a file to the beginning of the pool. A file larger than the pool is refused.

    The bytes of the pool behind the file's end stay.
    """
    size = access.load(open_fabric(fabric).pool, file)
    typer.echo(f"loaded {format_size(size)} from {file}", err=True)


def parse_offset(text: str) -> int:
    """Return the number of bytes that `text` means: 4096, 0x1000, or a size such as 4K."""
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    try:
        return parse_size(text)
    except UsageError as error:
        raise UsageError(
            f"'{text}' is neither an offset nor a size", hint="Write 4096, 4K or 0x1000."
        ) from error


def given_bytes(text: str | None, file: Path | None, limit: int, *, as_hex: bool) -> bytes:
    """Return the bytes to write, cut one byte after `limit`: enough to see that they do not fit.

    Raises UsageError if both or none of `text` and `file` are given.
    """
    if (text is None) == (file is None):
        raise UsageError(
            "the bytes to write must come from TEXT or from a file",
            hint="Give TEXT or --file FILE.",
        )
    if file is not None:
        return _file_bytes(file, limit)
    return _hex_bytes(text or "") if as_hex else _as_typed(text or "")


def _file_bytes(file: Path, limit: int) -> bytes:
    if str(file) == "-":
        return read_stdin(limit + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(limit + 1)
    except OSError as error:
        raise FamulusError(f"cannot read {file}: {error.strerror}") from error


def _as_typed(text: str) -> bytes:
    """Return `text` as UTF-8; bytes of the command line that were no text stay these bytes."""
    return text.encode(errors="surrogateescape")


def _hex_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(re.sub(r"0[xX]|[:,_]", " ", text))
    except ValueError as error:
        raise UsageError(
            f"'{text}' is not bytes in hexadecimal", hint="Write two digits a byte: 'de ad be ef'."
        ) from error


def print_range(found: Iterable[Piece], *, raw: bool) -> None:
    """Print the pieces in hexadecimal and ASCII, or their bytes if `raw`."""
    if not raw:
        for line in hexdump(found):
            typer.echo(line)
        return
    for piece in found:
        print_raw(piece.data, piece.length)
    sys.stdout.buffer.flush()


def print_raw(data: bytes | None, length: int) -> None:
    """Print the bytes `data`, or `length` zeros if `data` is None."""
    if data is not None:
        sys.stdout.buffer.write(data)
        return
    for start in range(0, length, CHUNK):
        sys.stdout.buffer.write(bytes(min(CHUNK, length - start)))
