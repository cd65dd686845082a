# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs are compiled once, by gcc itself, and pruned when nobody uses them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from famulus.base import compiled
from famulus.base.compiled import Programs, ensure
from famulus.base.errors import FamulusError
from famulus.base.process import named_in_arguments
from famulus.base.waiting import wait_until
from tests.unit.timeouts import TIMEOUT

ENSURE = """
import sys
from pathlib import Path
from tests.unit.base.test_compiled import programs
from famulus.base.compiled import ensure
print(ensure(Path(sys.argv[1]), programs(Path(sys.argv[2]))), flush=True)
sys.stdin.read()
"""


def programs(source: Path) -> Programs:
    def commands(folder: Path) -> list[list[str]]:
        return [["gcc", "-o", str(folder / "program"), str(source)]]

    return Programs("a program", ("-O0",), (source,), commands)


def version(folder: Path, number: int) -> Programs:
    """Return the program that waits for the end of its input, in its version `number`."""
    source = folder / f"{number}.c"
    source.write_text(f"#include <stdio.h>\nint main(void) {{ getchar(); return {number}; }}\n")
    return programs(source)


def release(folder: Path) -> None:
    """Give up this process' lock of `folder`, as its end does."""
    compiled._vault(folder.parent).release(folder.name)


def digests(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if not path.name.startswith(".")}


def test_threads_that_ask_at_once_share_a_compilation(tmp_path):
    root = tmp_path / "root"
    wanted = version(tmp_path, 1)
    with ThreadPoolExecutor(8) as threads:
        (folder,) = set(threads.map(lambda _: ensure(root, wanted), range(8)))
    assert digests(root) == {folder.name}
    assert (folder / "program").exists()


def test_processes_that_ask_at_once_share_a_compilation(tmp_path):
    root, source = tmp_path / "root", tmp_path / "1.c"
    version(tmp_path, 1)
    asking = [user(root, source) for _ in range(3)]
    folders = {process.communicate(timeout=TIMEOUT)[0] for process in asking}
    assert folders == {f"{root / name}\n" for name in digests(root)}
    assert len(folders) == 1


def test_a_user_that_goes_on_delays_nobody_who_asks(tmp_path):
    """A user holds its shared lock until its end, and others ask meanwhile."""
    root, source = tmp_path / "root", tmp_path / "1.c"
    version(tmp_path, 1)
    first, *others = [user(root, source) for _ in range(4)]
    for other in others:
        assert other.communicate(timeout=TIMEOUT)[0].startswith(f"{root}/")
    assert first.poll() is None
    assert first.communicate(timeout=TIMEOUT)[0].startswith(f"{root}/")


def user(root: Path, source: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", ENSURE, str(root), str(source)]
    return subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_new_version_removes_an_unused_one(tmp_path):
    root = tmp_path / "root"
    old = ensure(root, version(tmp_path, 1))
    release(old)
    (root / old.name / "compiled.json").unlink()  # as folders were before they had a record
    new = ensure(root, version(tmp_path, 2))
    assert digests(root) == {new.name}
    assert not (root / f".{old.name}.lock").exists()
    assert (new / "program").exists()


def test_a_version_in_use_by_this_process_stays(tmp_path):
    root = tmp_path / "root"
    folders = {ensure(root, version(tmp_path, number)) for number in (1, 2)}
    assert digests(root) == {folder.name for folder in folders}


def test_a_version_in_use_by_another_process_stays(tmp_path):
    root = tmp_path / "root"
    version(tmp_path, 1)
    with user(root, tmp_path / "1.c") as other:
        assert other.stdout
        old = Path(other.stdout.readline().strip())
        release(ensure(root, version(tmp_path, 2)))
        assert (old / "program").exists()
        other.communicate(timeout=TIMEOUT)
    new = ensure(root, version(tmp_path, 3))
    assert digests(root) == {new.name}


def test_a_program_that_runs_stays(tmp_path):
    root = tmp_path / "root"
    old = ensure(root, version(tmp_path, 1))
    release(old)
    with subprocess.Popen([old / "program"], stdin=subprocess.PIPE) as process:
        wait_until("the program", lambda: named_in_arguments(old.name), timeout=TIMEOUT)
        release(ensure(root, version(tmp_path, 2)))
        assert (old / "program").exists()
        process.communicate()
    new = ensure(root, version(tmp_path, 3))
    assert digests(root) == {new.name}


def test_a_folder_that_the_user_removed_is_made_again(tmp_path):
    root = tmp_path / "root"
    folder = ensure(root, version(tmp_path, 1))
    subprocess.run(["rm", "-r", root], check=True)
    assert ensure(root, version(tmp_path, 1)) == folder
    assert (folder / "program").exists()


def test_programs_that_are_there_need_no_place_to_write(tmp_path, small_disk):
    root, wanted = small_disk / "root", version(tmp_path, 1)
    made = ensure(root, wanted)
    release(made)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert ensure(root, wanted) == made
    release(made)


def test_a_failed_compilation_leaves_nothing_and_prunes_nothing(tmp_path):
    root = tmp_path / "root"
    old = ensure(root, version(tmp_path, 1))
    release(old)
    (tmp_path / "2.c").write_text("int main(void) { return undeclared; }\n")
    with pytest.raises(FamulusError) as caught:
        ensure(root, programs(tmp_path / "2.c"))
    assert caught.value.brief == "a program cannot be made: gcc failed with exit code 1"
    assert "undeclared" in caught.value.details
    assert "libc6-dev" in caught.value.hint
    assert digests(root) == {old.name}
    assert not list(root.glob(".building-*"))
