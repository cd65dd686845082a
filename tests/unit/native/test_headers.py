# SPDX-License-Identifier: GPL-2.0-or-later
"""Constants that Python repeats from the C headers of native/ are equal on both sides."""

from typing import get_args

from famulus.checker.report import model
from famulus.coherence import caches
from famulus.settings.identity import MAX_NODES
from famulus.settings.spec import FabricSpec
from tests.unit.native import headers

SHARED = "include/shared.h"


def test_the_launchers_message_is_the_plugins():
    says = headers.constants("include/says.h")
    assert set(says) == {"SAYS_PROCESS", "SAYS_EXIT", "SAYS_LINE"}
    assert len(set(says.values())) == len(says)
    script = headers.python_constant("launcher/python/sitecustomize.py", "_SAYS_LINE")
    assert script == says["SAYS_LINE"]


def test_modes_of_the_plugin():
    assert headers.enumerators(SHARED, "PLUGIN_CACHES") == {
        "PLUGIN_CACHES": caches.CACHES,
        "PLUGIN_STREAMS": caches.STREAMS,
    }


def test_evictions_have_the_same_numbers():
    found = headers.enumerators(SHARED, "EVICT_NONE")
    names = {word.removeprefix("EVICT_").lower(): number for word, number in found.items()}
    assert names == {name: number for number, name in enumerate(caches.EVICTIONS)}
    allowed = get_args(FabricSpec.model_fields["eviction"].annotation)
    assert set(allowed) == set(caches.EVICTIONS)


def test_sizes_and_bounds():
    found = headers.constants(SHARED)
    assert found["LINE_BYTES"] == caches.LINE
    assert found["MAX_NODES"] == MAX_NODES


def test_the_head_of_the_control_file():
    letters = {"uint64_t": "Q", "uint32_t": "I"}
    head = headers.members(SHARED, "shared_control")[:3]
    assert [name for _, name in head] == ["magic", "version", "coherent"]
    assert caches.CONTROL_HEAD.format == "<" + "".join(letters[kind] for kind, _ in head)


def test_a_scripts_line_has_the_same_bits_of_a_program_counter():
    found = headers.constants("plugin/script.h")
    assert found["SCRIPT_SHIFT"] == model.SCRIPT_SHIFT
    assert found["SCRIPT_LINES"] == model.KERNEL_LINE
