# SPDX-License-Identifier: GPL-2.0-or-later
"""The places of pools: each fabric has one of its own, and removes only a file that it made."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from famulus.base.errors import FamulusError
from famulus.base.units import MIB
from famulus.pool import mark, place
from famulus.pool.mark import Owner, Standing, TakenError


@pytest.fixture(autouse=True)
def shared(shared_memory: Path) -> Path:
    return shared_memory


def home(folder: Path, fabric: str = "fabric") -> Owner:
    """Return the fabric of the home `folder`, which exists."""
    (folder / "fabrics" / fabric).mkdir(parents=True)
    (folder / "fabrics" / fabric / "state.json").touch()
    return Owner(str(folder), fabric)


@pytest.fixture
def first(tmp_path):
    return home(tmp_path / "first")


@pytest.fixture
def second(tmp_path):
    return home(tmp_path / "second")


def take(path: Path, me: Owner, *, known: bool = False) -> Standing:
    with ExitStack() as undo:
        standing = place.take(path, MIB, me, undo, known=known)
        undo.pop_all()
    return standing


def give_up(path: Path, me: Owner, *, known: bool = True) -> tuple[bool, bool]:
    """Return whether no file is left, and whether other files of the pool were removed, too."""
    calls: list[bool] = []
    gone = place.give_up(path, me, known=known, besides=lambda: calls.append(True))
    return gone, bool(calls)


def test_usual_places(shared, first):
    assert place.shared_place("fabric") == shared / "fabric_em"
    assert place.shared_place("two") == shared / "fabric_em.two"
    assert place.own_place(first).name.startswith("fabric_em.fabric.")


def test_two_homes_get_two_places(shared, first, second):
    pools = []
    for me in (first, second):
        pools.append(place.choose(me, MIB, None))
        take(pools[-1], me)
    assert pools == [shared / "fabric_em", place.own_place(second)]
    assert [
        place.choose(me, MIB, pool) for me, pool in zip((first, second), pools, strict=True)
    ] == (pools)
    assert give_up(shared / "fabric_em", second, known=False) == (False, False)
    assert give_up(pools[1], second) == (True, True)
    assert give_up(pools[0], first) == (True, True)
    assert list(shared.iterdir()) == []


def test_place_of_a_fabric_whose_file_was_removed_is_kept_free(shared, first, second):
    take(shared / "fabric_em", first)
    (shared / "fabric_em").unlink()
    assert place.choose(second, MIB, None) == place.own_place(second)
    with pytest.raises(TakenError, match=f"is the pool of fabric 'fabric' of {first.home}"):
        take(shared / "fabric_em", second)
    assert take(shared / "fabric_em", first) is Standing.FREE


def test_fabric_keeps_the_place_that_it_had(shared, first, second):
    take(place.own_place(second), second)
    assert place.choose(second, MIB, place.own_place(second)) == place.own_place(second)
    take(shared / "fabric_em", first)
    assert place.choose(second, MIB, shared / "fabric_em") == place.own_place(second)


@pytest.mark.parametrize(("size", "is_taken"), [(MIB, True), (2 * MIB, False)])
def test_pool_of_a_fabric_that_is_gone_is_taken_over_if_it_fits(
    shared, first, tmp_path, size, is_taken
):
    take(shared / "fabric_em", Owner(str(tmp_path / "gone"), "fabric"))
    assert (place.choose(first, size, None) == shared / "fabric_em") is is_taken
    assert take(shared / "fabric_em", first) is Standing.LEFT
    assert give_up(shared / "fabric_em", first) == (True, True)


def test_pool_of_a_moved_home_is_removed_without_an_up(shared, first, tmp_path):
    take(shared / "fabric_em", Owner(str(tmp_path / "before"), "fabric"))
    assert give_up(shared / "fabric_em", first, known=False) == (False, False)
    assert give_up(shared / "fabric_em", first) == (True, True)


def test_file_that_was_there_stays(tmp_path, first):
    path = tmp_path / "file"
    path.write_bytes(b"precious" + bytes(MIB - 8))
    assert take(path, first) is Standing.UNKNOWN
    assert take(path, first) is Standing.OURS
    assert give_up(path, first) == (False, True)
    assert path.read_bytes()[:8] == b"precious"
    assert [found.name for found in tmp_path.iterdir() if "famulus" in found.name] == []


def test_file_that_replaced_the_pool_stays(tmp_path, first):
    path = tmp_path / "file"
    take(path, first)
    path.rename(tmp_path / "kept")
    path.write_bytes(b"precious")
    assert give_up(path, first) == (False, True)
    assert path.read_bytes() == b"precious"


def test_pool_of_an_earlier_version_is_the_fabrics_own(shared, first, second):
    (shared / "fabric_em").write_bytes(bytes(MIB))
    assert give_up(shared / "fabric_em", second, known=False) == (False, False)
    assert give_up(shared / "fabric_em", first) == (True, True)
    (shared / "fabric_em").write_bytes(bytes(MIB))
    assert take(shared / "fabric_em", first, known=True) is Standing.UNKNOWN
    assert give_up(shared / "fabric_em", second, known=False) == (False, False)
    assert give_up(shared / "fabric_em", first) == (True, True)


def test_failed_up_leaves_the_place_as_it_was(shared, first, tmp_path):
    gone = Owner(str(tmp_path / "gone"), "fabric")
    path = shared / "fabric_em"
    for before in (None, "file", gone):
        if isinstance(before, Owner):
            take(path, before)
        elif before:
            path.write_bytes(bytes(MIB))
        found = mark.look(path, first)
        with ExitStack() as undo:
            place.take(path, MIB, first, undo, known=False)
            assert mark.look(path, first)[0] is Standing.OURS
        assert mark.look(path, first) == found
        path.unlink(missing_ok=True)


def test_pool_of_another_size_changes_no_mark(shared, first):
    path = shared / "fabric_em"
    path.write_bytes(bytes(2 * MIB))
    with ExitStack() as undo, pytest.raises(FamulusError, match="has 2M, not 1M"):
        place.take(path, MIB, first, undo, known=False)
    assert [found.name for found in shared.iterdir()] == ["fabric_em"]


def test_pool_that_cannot_be_made_leaves_nothing(shared, first):
    with ExitStack() as undo, pytest.raises(FamulusError, match="cannot make"):
        place.take(shared / "fabric_em", 1 << 62, first, undo, known=False)
    assert list(shared.iterdir()) == []


def test_place_in_a_missing_folder_needs_no_removal(tmp_path, first):
    assert give_up(tmp_path / "none" / "pool", first) == (True, False)
    assert not (tmp_path / "none").exists()
