# SPDX-License-Identifier: GPL-2.0-or-later
"""Natural loops of a function's code. Pure.

A natural loop is the set of instructions from which a back edge is reached without passing the
instruction that the edge leads to (Aho, Lam, Sethi, Ullman: Compilers, 9.6).
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from famulus.checker.code.dataflow import Code, Ways

Loop = frozenset[int]  # addresses of instructions


def successors(code: Code) -> Ways:
    """Return the addresses in `code` that may follow each instruction of `code`."""
    following = dict(pairwise(sorted(code)))
    ways: dict[int, frozenset[int]] = {}
    for at, instruction in code.items():
        wanted: set[int] = set()
        if instruction.jumps and instruction.direct and instruction.target is not None:
            wanted.add(instruction.target)
        if instruction.follows and at in following:
            wanted.add(following[at])
        ways[at] = frozenset(wanted & code.keys())
    return ways


def reached(ways: Ways, start: int) -> set[int]:
    """Return `start` and all addresses that are reached from there."""
    found: set[int] = set()
    left = {start}
    while left:
        at = left.pop()
        found.add(at)
        left |= ways[at] - found
    return found


def natural_loops(ways: Ways) -> list[Loop]:
    """Return the natural loops, one for each back edge."""
    before: dict[int, set[int]] = {at: set() for at in ways}
    for at, following in ways.items():
        for next_ in following:
            before[next_].add(at)
    return [_body(before, start, end) for end, start in _back_edges(ways)]


def _body(before: Mapping[int, set[int]], start: int, end: int) -> Loop:
    found, left = {start}, [end]
    while left:
        at = left.pop()
        if at not in found:
            found.add(at)
            left += before[at]
    return frozenset(found)


def _back_edges(ways: Ways) -> Iterator[tuple[int, int]]:
    """Yield each edge that leads back to an instruction on the way of a walk, depth first."""
    seen: set[int] = set()
    for root in sorted(ways):
        if root not in seen:
            yield from _walk(ways, root, seen)


def _walk(ways: Ways, root: int, seen: set[int]) -> Iterator[tuple[int, int]]:
    path, on_path = [(root, iter(ways[root]))], {root}
    seen.add(root)
    while path:
        at, rest = path[-1]
        next_ = next(rest, None)
        if next_ is None:
            path.pop()
            on_path.discard(at)
        elif next_ in on_path:
            yield at, next_
        elif next_ not in seen:
            seen.add(next_)
            on_path.add(next_)
            path.append((next_, iter(ways[next_])))
