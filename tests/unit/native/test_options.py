# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of QEMU's -plugin argument, given to a real QEMU that has no machine."""

import subprocess

import pytest

from famulus.coherence import build

NODE = {"pool": "/no/pool", "folder": "/no/folder", "node": "1", "ram": "/memfd:ram", "memory": "1"}


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAMULUS_HOME", str(tmp_path_factory.mktemp("home")))
        plugin = build.ensure().plugin

    def run(options):
        words = [str(plugin), *(f"{key}={value}" for key, value in options.items())]
        argv = ["qemu-system-x86_64", "-M", "none", "-display", "none", "-plugin", ",".join(words)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode != 0
        return done.stderr

    return run


def test_an_unknown_option_is_an_error_that_names_the_known_ones(load):
    errors = load({"check": "on", "nonsense": "1"})
    assert "unknown option 'nonsense'" in errors
    assert "pool, folder, node, ram, memory, check" in errors
    assert "famulus: loads" not in errors


def test_the_begin_of_an_options_name_is_unknown(load):
    assert "unknown option 'po'" in load({**NODE, "po": "/no/pool"})
    assert "unknown option 'pools'" in load({**NODE, "pools": "/no/pool"})


def test_a_missing_option_is_an_error_that_names_the_option(load):
    errors = load({key: value for key, value in NODE.items() if key != "ram"})
    assert "the option 'ram' is missing" in errors
    assert "'pool'" not in errors


def test_all_options_of_a_node_are_known(load):
    assert "/no/folder/control: No such file" in load(NODE)
    assert "famulus: loads" in load({**NODE, "check": "on"})
