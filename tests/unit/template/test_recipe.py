# SPDX-License-Identifier: GPL-2.0-or-later
"""The digest of a template, and the argument lists that make a template, against golden files."""

import os
import shlex
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from famulus.base.units import GIB, MIB
from famulus.settings.spec import FabricSpec
from famulus.template import guest
from famulus.template.disk import grub_arguments, mke2fs_arguments
from famulus.template.recipe import Recipe, mmdebstrap_arguments, root_uuid
from tests.places import GOLDEN

RECIPE = Recipe.from_spec(FabricSpec())
FILES = {"agent/main.c": b"int main;", "template/customize.sh": b"set -eu"}
DIGEST = "0123456789abcdef"


def golden(name: str, argv: list[str]) -> None:
    """An argument list against the file that a person has read, a word a line."""
    assert (GOLDEN / name).read_text(encoding="utf-8") == "\n".join(argv) + "\n"


def mmdebstrap(
    recipe: Recipe = RECIPE, folder: str = "/t/.building", root: bool = True
) -> list[str]:
    return mmdebstrap_arguments(recipe, DIGEST, Path("/g/guest"), Path(folder), root=root)


def hook(argv: list[str], words: str) -> str:
    (found,) = [word for word in argv if words in word]
    return found.partition("=")[2]


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, suite="bookworm"),
        replace(RECIPE, kernel="generic"),
        replace(RECIPE, mirror="http://mirror.example/debian"),
        replace(RECIPE, packages=(*RECIPE.packages, "strace")),
        replace(RECIPE, build_packages=()),
        replace(RECIPE, options=(*RECIPE.options, "--aptopt=x")),
    ],
    ids=["suite", "kernel", "mirror", "packages", "build packages", "options"],
)
def test_digest_changes_with_every_part_of_the_recipe(other):
    assert other.digest(FILES) != RECIPE.digest(FILES)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {**FILES, "new": b""},
        {**FILES, "agent/main.c": b"int main; "},
        {"agent/main2.c": b"int main;", "template/customize.sh": b"set -eu"},
        {"agent/main.c": b"set -eu", "template/customize.sh": b"int main;"},
    ],
    ids=["none", "one more", "content", "name", "swapped"],
)
def test_digest_changes_with_every_file(files):
    assert RECIPE.digest(files) != RECIPE.digest(FILES)


def test_digest_depends_on_nothing_else():
    reversed_files = dict(reversed(FILES.items()))
    assert Recipe.from_spec(FabricSpec()).digest(reversed_files) == RECIPE.digest(FILES)
    others = FabricSpec(nodes=9, memory=GIB, cpus=3, pool=64 * MIB, ssh_port=2000, accel="tcg")
    assert Recipe.from_spec(others) == RECIPE
    digest = RECIPE.digest(FILES)
    assert len(digest) == 16
    assert int(digest, 16) >= 0


def test_the_recipe_has_every_setting_of_the_spec():
    spec = FabricSpec(
        suite="bookworm",
        kernel="generic",
        packages=("strace", "vim"),
        mirror="http://m.example/debian",
    )
    recipe = Recipe.from_spec(spec)
    assert (recipe.suite, recipe.kernel, recipe.mirror) == ("bookworm", "generic", spec.mirror)
    assert "strace" in recipe.packages
    assert recipe.packages.count("vim") == 1
    assert list(recipe.packages) == sorted(recipe.packages)
    assert "linux-image-amd64" in recipe.packages
    assert "linux-image-cloud-amd64" not in recipe.packages


def test_a_proxy_is_no_part_of_a_template():
    assert Recipe.from_spec(FabricSpec(proxy="http://ann:secret@p.example:3128")) == RECIPE


def test_headers_fit_the_kernel_and_are_removed_unless_the_user_wants_them():
    assert RECIPE.build_packages == ("linux-headers-cloud-amd64",)
    generic = Recipe.from_spec(FabricSpec(kernel="generic", packages=("linux-headers-amd64",)))
    assert generic.build_packages == ()
    assert "linux-headers-amd64" in generic.packages
    assert "BUILD_PACKAGES='' " in hook(mmdebstrap(generic), "customize.sh")


def test_later_suites_have_more_packages():
    assert "util-linux-extra" in RECIPE.packages
    assert "util-linux-extra" not in Recipe.from_spec(FabricSpec(suite="bullseye")).packages
    assert "linux-sysctl-defaults" not in Recipe.from_spec(FabricSpec(suite="bookworm")).packages


def test_sources_of_debians_own_mirror_have_updates_and_security():
    assert RECIPE.sources() == [
        "deb http://deb.debian.org/debian trixie main",
        "deb http://deb.debian.org/debian trixie-updates main",
        "deb http://deb.debian.org/debian-security trixie-security main",
    ]


def test_sources_of_another_mirror_have_the_suite_only():
    recipe = replace(RECIPE, mirror="http://m.example/debian", suite="bookworm")
    assert recipe.sources() == ["deb http://m.example/debian bookworm main"]


def test_mmdebstrap_arguments():
    golden("mmdebstrap.txt", mmdebstrap())


def test_for_a_normal_user_mmdebstrap_unshares():
    differing = set(mmdebstrap(root=False)) ^ set(mmdebstrap(root=True))
    assert differing == {"--mode=unshare", "--mode=root", "unshare", "--mount"}


def test_mke2fs_arguments():
    argv = mke2fs_arguments(Path("/t/rootfs.tar"), Path("/t/disk.img"), root_uuid(DIGEST))
    golden("mke2fs.txt", argv)


def test_grub_arguments():
    golden("grub-mkimage.txt", grub_arguments(Path("/t/core.img")))


@pytest.mark.parametrize("folder", ["/home/a b", "/home/o'neill", '/home/"x"', "/home/$x;`y`\\"])
def test_hooks_quote_folders_for_the_shell_that_splits_them(folder):
    argv = mmdebstrap_arguments(RECIPE, DIGEST, Path(folder, "guest"), Path(folder), root=True)
    download = shlex.split(hook(argv, "famulus-vmlinuz '"))
    assert download == ["download", "/boot/famulus-vmlinuz", f"{folder}/vmlinuz"]
    assert shlex.split(hook(argv, "copy-in")) == ["copy-in", f"{folder}/guest", "/usr/src"]
    assert f"{folder}/rootfs.tar" in argv  # an argument of its own is not for a shell


def test_the_disks_uuid_follows_from_the_digest_alone():
    assert root_uuid(DIGEST) == root_uuid(DIGEST) != root_uuid("fedcba9876543210")
    assert f"ROOT_UUID={root_uuid(DIGEST)} " in hook(mmdebstrap(), "customize.sh")


def test_guest_files_have_their_content():
    files = guest.guest_files()
    assert files["template/customize.sh"].startswith(b"#!/bin/sh\n")
    assert {"agent/main.c", "initrd/init.c", "examples/hello_fabric.c"} <= set(files)


def test_guest_files_are_all_files_that_git_tracks():
    argv = ["git", "ls-files"]
    folder = guest.guest_folder()
    listed = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("no git checkout")
    assert set(listed.stdout.split()) <= set(guest.guest_files())


def test_files_of_editors_compilers_and_git_do_not_change_the_digest(tmp_path, monkeypatch):
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/main.c").write_bytes(b"int main;")
    monkeypatch.setattr(guest, "guest_folder", lambda: tmp_path)
    before = guest.guest_files()
    for name in ("main.c~", ".main.c.swp", "#main.c#", "main.c.orig", "main.o", "main", "4913"):
        (tmp_path / "agent" / name).write_bytes(b"left over")
    (tmp_path / "agent/.#main.c").symlink_to("somebody@somewhere")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/x.pyc").write_bytes(b"left over")
    assert guest.guest_files() == before == {"agent/main.c": b"int main;"}


def test_no_umask_changes_the_modes_of_files_in_nodes(tmp_path):
    old = os.umask(0o077)
    try:
        guest.write_files(FILES, tmp_path / "guest")
    finally:
        os.umask(old)
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "guest", *(tmp_path / "guest").rglob("*"))
    }
    assert modes == {
        "guest": 0o755,
        "guest/agent": 0o755,
        "guest/agent/main.c": 0o644,
        "guest/template": 0o755,
        "guest/template/customize.sh": 0o644,
    }
    assert (tmp_path / "guest/agent/main.c").read_bytes() == FILES["agent/main.c"]
