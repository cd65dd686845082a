# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of the tests: tests without nodes first, then tests of real nodes; long files first.

Two workers take one file after the other (`make test`). The longest file comes first: no worker
is busy for minutes after the other has ended.
"""

from pathlib import Path

import pytest

# Seconds of the longest files on a quiet host of two cores, rounded. Other files need no entry.
_UNIT = {
    "test_lint": 40,
    "test_corpus": 30,
    "test_docs": 20,
    "test_c_units": 15,
    "test_examples": 14,
    "test_lib_noncoherent": 12,
    "test_lines": 12,
    "test_lib_processes": 8,
    "test_lib_crashes": 8,
    "test_lib_doorbell": 8,
}
_INTEGRATION = {
    "test_template_faults": 1000,  # needs no template, which the other worker builds meanwhile
    "test_clones": 320,
    "test_libvirt": 160,
    "test_configure": 140,
    "test_litmus": 140,
    "test_export": 110,
    "test_check": 110,
    "test_template": 105,
    "test_up_check": 100,
    "test_doorbell": 75,
    "test_faults": 75,
    "test_coherence": 70,
    "test_coherence_faults": 60,
    "test_nodes": 60,
    "test_library": 50,
    "test_exec": 50,
    "test_fabrics": 45,
    "test_library_deaths": 40,
    "test_verbs": 30,
    "test_watch": 20,
    "test_driver": 17,
    "test_rootless": 13,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)  # stable: the order in a file stays


def _place(item: pytest.Item) -> tuple[bool, int]:
    name = Path(item.path).stem
    if item.get_closest_marker("integration") is None:
        return False, -_UNIT.get(name, 0)
    return True, -_INTEGRATION.get(name, 60)
