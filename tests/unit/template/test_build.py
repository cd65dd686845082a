# SPDX-License-Identifier: GPL-2.0-or-later
"""Building a template, with a stand-in for mmdebstrap: a template is finished or not there."""

import errno
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from famulus.base import paths, waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.base.events import Events, Sink
from famulus.base.run import run as real_run
from famulus.base.run import terminate_all
from famulus.base.waiting import wait_until
from famulus.settings.spec import FabricSpec
from famulus.template import build, store
from tests.unit.timeouts import TIMEOUT

FULL = os.strerror(errno.ENOSPC)
MAKE_ALL = "echo 'I: installing packages...'; touch rootfs.tar vmlinuz initrd"


class Notes(Sink):
    """The notes and details that a user sees."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.details: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def detail(self, _step: str, text: str) -> None:
        self.details.append(text)


class Builder:
    """Runs a script in the place of mmdebstrap, and keeps the notes for the user."""

    def __init__(self) -> None:
        self.script = MAKE_ALL
        self.runs = 0
        self.words: list[str] = []
        self.on_disk: Callable[[Path], None] = lambda _disk: None
        self.sink = Notes()

    def ensure(self, **settings: str) -> store.Template:
        return build.ensure(FabricSpec(**settings), Events(self.sink))  # type: ignore[arg-type]

    def fails(self) -> FamulusError:
        with pytest.raises(FamulusError) as caught:
            self.ensure()
        return caught.value

    def run(self, argv, *, env, **options):
        """Run the script below the wrapper of the real arguments, in the folder of the build."""
        self.runs += 1
        self.words = list(argv)
        (folder,) = [Path(word).parent for word in argv if word.endswith("/rootfs.tar")]
        wrapper = [word for word in argv[: argv.index("mmdebstrap")] if word not in NEEDS_ROOT]
        return real_run(
            [*wrapper, "sh", "-ec", self.script],
            cwd=folder,
            env={**env, "SCRATCH": env["TMPDIR"]},
            **options,
        )

    def make_disk(self, tar: Path, disk: Path, _uuid: str) -> None:
        assert tar.exists()
        disk.write_bytes(b"disk")
        self.on_disk(disk)


NEEDS_ROOT = ("unshare", "--mount")


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    made = Builder()
    monkeypatch.setattr(build, "run", made.run)
    monkeypatch.setattr(build, "make_disk", made.make_disk)
    monkeypatch.setattr(build, "check_mirror", lambda _recipe, _proxy: None)
    yield made
    terminate_all()


def left() -> list[str]:
    """The names in the folder of the templates, without locks."""
    found = (path.name for path in paths.templates().iterdir())
    return sorted(name for name in found if not name.endswith(".lock"))


LOG = "last-failed-build.log"


def test_a_proxy_reaches_apt_and_no_command_line(builder, monkeypatch):
    builder.script = f"{MAKE_ALL}; echo $http_proxy $https_proxy > asked"
    monkeypatch.setenv("http_proxy", "http://other:1")
    proxy = "http://ann:secret@p:3128"
    template = builder.ensure(proxy=proxy)
    assert (template.folder / "asked").read_text() == f"{proxy} {proxy}\n"
    assert "secret" not in " ".join(builder.words)
    assert builder.ensure() == template, "another way to the mirror is no other template"
    assert "secret" not in (template.folder / store.RECORD).read_text()


def test_a_build_without_a_proxy_asks_no_proxy_of_the_environment(builder, monkeypatch):
    builder.script = f"{MAKE_ALL}; echo $http_proxy > asked"
    monkeypatch.setenv("http_proxy", "http://other:1")
    assert (builder.ensure().folder / "asked").read_text() == "\n"


def test_a_finished_build_is_found(builder):
    template = builder.ensure()
    assert store.find(template.digest) == template
    assert left() == [template.digest]
    files = {path.name for path in template.folder.iterdir()}
    assert files == {"disk.img", "vmlinuz", "initrd", "build.log", "template.json"}
    assert template.folder.stat().st_mode & 0o777 == 0o700
    record = json.loads((template.folder / "template.json").read_text())
    assert (record["digest"], record["suite"]) == (template.digest, "trixie")
    assert builder.sink.details == ["installing packages"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("I: installing remaining packages inside the chroot...", "installing remaining packages"),
        ("I: running special hook: download /boot/vmlinuz '/x'", "running special hook"),
        ("I: success in 60.3 seconds", None),
        (
            "Get:12 http://deb.debian.org/debian trixie/main amd64 gcc amd64 4:14.2.0-1 [1,400 B]",
            "gcc",
        ),
        (
            "Get:3 http://deb.debian.org/debian trixie/main amd64 tzdata all 2025b-4 [260 kB]",
            "tzdata",
        ),
        ("Unpacking libc6:amd64 (2.41-12) ...", "libc6:amd64"),
        ("Setting up vim (2:9.1.1230-2) ...", "vim"),
        ("(Reading database ... 5%", None),
    ],
)
def test_progress_shows_phases_and_packages_of_mmdebstrap(builder, line, shown):
    builder.script = f'echo "{line}"; touch rootfs.tar vmlinuz initrd'
    builder.ensure()
    (detail,) = builder.sink.details or [None]
    assert detail == shown or (shown and detail.startswith(shown))


def test_a_template_is_built_once(builder):
    first = builder.ensure()
    assert builder.ensure() == first
    assert builder.runs == 1
    assert builder.ensure(suite="bookworm").digest != first.digest
    assert builder.runs == 2


def test_mmdebstrap_gets_the_files_that_the_digest_names(builder):
    script = "ls guest/template > ../seen; stat -c %a guest/template/customize.sh >> ../seen"
    builder.script = f"{script}; {MAKE_ALL}"
    builder.ensure()
    assert "customize.sh\n" in (paths.templates() / "seen").read_text()
    assert "644\n" in (paths.templates() / "seen").read_text()


def test_a_failed_build_leaves_its_log_only(builder):
    builder.script = "touch vmlinuz; echo 'E: unable to locate package x'; exit 25"
    caught = builder.fails()
    assert left() == [LOG]
    assert caught.brief.endswith(": mmdebstrap failed with exit code 25")
    assert caught.details == "E: unable to locate package x"
    assert caught.hint == f"The whole output is in {paths.templates() / LOG}."
    assert (paths.templates() / LOG).read_text() == "E: unable to locate package x\n"
    builder.script = MAKE_ALL
    assert builder.ensure()


def test_an_error_of_the_mirror_is_passed_on(builder, monkeypatch):
    told = FamulusError("the mirror refuses", hint="another")

    def refuse(_recipe: object, _proxy: str) -> None:
        raise told

    monkeypatch.setattr(build, "check_mirror", refuse)
    assert builder.fails() is told
    assert left() == []


@pytest.mark.parametrize("how", ["no space in a program", "no space of ours", "image too small"])
def test_a_full_disk_is_reported_as_a_full_disk(builder, how):
    def no_space(disk: Path) -> None:
        raise OSError(errno.ENOSPC, FULL, str(disk))

    if how == "no space of ours":
        builder.on_disk = no_space
    else:
        line = f"dpkg: error: {FULL}" if "program" in how else "Could not allocate block in ext2"
        builder.script = f"echo '{line}'; exit 1"
    caught = builder.fails()
    assert caught.brief == f"cannot build a template in {paths.templates()}: {FULL}"
    assert "3 GiB" in caught.hint
    assert "FAMULUS_HOME" in caught.hint
    assert left() == [LOG]


def test_another_error_of_the_system_is_not_reported_as_a_full_disk(builder):
    def no_grub(_disk: Path) -> None:
        Path("/no/such/boot.img").read_bytes()

    builder.on_disk = no_grub
    caught = builder.fails()
    assert caught.brief.endswith(": /no/such/boot.img: No such file or directory")
    assert "GiB" not in caught.hint
    assert left() == [LOG]


def test_an_interrupted_build_leaves_its_log_only(builder):
    builder.script = f"echo 'I: begun'; echo $$ > ../pid; touch $SCRATCH/x; sleep 60; {MAKE_ALL}"

    def interrupt() -> None:
        waiting.wait_until("the script", (paths.templates() / "pid").exists, timeout=TIMEOUT)
        waiting.interrupt(signal.SIGINT)
        terminate_all()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        builder.ensure()
    thread.join()
    assert left() == [LOG, "pid"]
    assert (paths.templates() / LOG).read_text().startswith("I: begun\n")
    waiting.forget_interrupt()
    builder.script = MAKE_ALL
    assert builder.ensure()


def test_a_build_that_ignores_sigterm_ends(builder):
    """The script stands for mmdebstrap, which waits for its children."""
    ignoring = "trap '' TERM; echo $$ > ../pid; while :; do sleep 0.1; done"
    builder.script = ignoring
    done: list[FamulusError] = []
    thread = threading.Thread(target=lambda: done.append(builder.fails()))
    thread.start()
    pid_file = paths.templates() / "pid"
    waiting.wait_until("the script", lambda: _is_written(pid_file), timeout=TIMEOUT)
    pid = int(pid_file.read_text())
    shell = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(shell, signal.SIGTERM)  # as the kernel does when famulus is killed
    thread.join(TIMEOUT)
    assert "killed by SIGKILL" in done[0].brief
    waiting.wait_until("its end", lambda: _is_gone(pid), timeout=TIMEOUT)


def _is_written(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_remains_of_killed_builds_and_prunes_are_removed(builder, tmp_path):
    digest = builder.ensure().digest
    half = paths.templates() / digest
    (half / "template.json").unlink()  # a prune that was killed
    stale = store.vault().building(digest)  # a build that was killed
    stale.mkdir()
    (stale / "rootfs.tar").write_bytes(b"half")
    scratch = tmp_path / "famulus-build-x"
    scratch.mkdir()
    (stale / "scratch").symlink_to(scratch)
    assert store.find(digest) is None
    assert builder.ensure().digest == digest
    assert left() == [digest]
    assert not scratch.exists()
    assert (half / "disk.img").exists()


GATE = "until [ -e ../gate ]; do sleep 0.05; done; "


def open_gate(builder: Builder, waiters: int) -> None:
    """Let the script go on after GATE, once so many others wait for the build."""
    wait_until("the waiters", lambda: len(builder.sink.notes) == waiters, timeout=TIMEOUT)
    (paths.templates() / "gate").touch()


def test_waiters_share_a_build(builder):
    builder.script = GATE + MAKE_ALL
    found: list[store.Template] = []
    threads = [threading.Thread(target=lambda: found.append(builder.ensure())) for _ in range(3)]
    for thread in threads:
        thread.start()
    open_gate(builder, waiters=2)
    for thread in threads:
        thread.join(TIMEOUT)
    assert builder.runs == 1
    assert len(found) == 3
    assert len(set(found)) == 1
    assert builder.sink.notes == ["waiting for another build of this template"] * 2


def test_a_waiter_builds_after_a_failed_build(builder):
    first = f"{GATE}touch ../second; exit 1"
    builder.script = f"test -e ../second || {{ {first}; }}; {MAKE_ALL}"
    results: list[object] = []

    def ensure() -> None:
        try:
            results.append(builder.ensure())
        except FamulusError as error:
            results.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(2)]
    for thread in threads:
        thread.start()
    open_gate(builder, waiters=1)
    for thread in threads:
        thread.join(TIMEOUT)
    assert {type(result) for result in results} == {FamulusError, store.Template}


def test_different_templates_are_built_at_the_same_time(builder):
    both = "test $(ls .. | grep -c here-) = 2"
    meet = f"for i in $(seq 150); do {both} && break; sleep 0.1; done"
    builder.script = f"touch ../here-$$; {meet}; {both}; {MAKE_ALL}"
    found: list[store.Template] = []
    threads = [
        threading.Thread(target=lambda suite=suite: found.append(builder.ensure(suite=suite)))
        for suite in ("trixie", "bookworm")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(found) == 2


def test_an_unwritable_folder_is_named(builder, monkeypatch):
    blocked = paths.home() / "file"
    blocked.touch()
    monkeypatch.setenv("FAMULUS_HOME", str(blocked))
    assert "FAMULUS_HOME" in builder.fails().hint
