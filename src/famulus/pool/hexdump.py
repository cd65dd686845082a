# SPDX-License-Identifier: GPL-2.0-or-later
"""Show bytes as `hexdump -C` does. Pure."""

from collections.abc import Iterable, Iterator

from famulus.base.sparse import Piece

_WIDTH = 16
_PRINTABLE = range(0x20, 0x7F)


def hexdump(pieces: Iterable[Piece]) -> Iterator[str]:
    """Yield the lines for `pieces`, which follow each other without a gap.

    Lines that repeat their predecessor become a single `*`; the last line is the offset of the end,
    as in `hexdump -C`. A hole of any size becomes two lines.
    """
    previous: bytes | None = None
    squeezed = False
    end: int | None = None
    for offset, row in _rows(pieces):
        end = offset + len(row)
        if row == previous:
            if not squeezed:
                yield "*"
            squeezed = True
        else:
            yield _line(offset, row)
            previous, squeezed = row, False
    if end is not None:
        yield f"{end:08x}"


def _rows(pieces: Iterable[Piece]) -> Iterator[tuple[int, bytes]]:
    """Yield the rows; of a hole only the first and the last two, for the others repeat these."""
    for piece in pieces:
        starts = range(piece.offset, piece.offset + piece.length, _WIDTH)
        if piece.data is not None:
            for start in starts:
                at = start - piece.offset
                yield start, piece.data[at : at + _WIDTH]
            continue
        end = piece.offset + piece.length
        few = starts if len(starts) <= 3 else (*starts[:1], *starts[-2:])  # noqa: PLR2004
        for start in few:
            yield start, bytes(min(_WIDTH, end - start))


def _line(offset: int, row: bytes) -> str:
    left, right = (row[half].hex(" ") for half in (slice(8), slice(8, None)))
    text = "".join(chr(byte) if byte in _PRINTABLE else "." for byte in row)
    return f"{offset:08x}  {left:23}  {right:23}  |{text}|"
