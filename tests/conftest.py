# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of the tests: without nodes first, then files of real nodes, longest first.

Two workers take one file after the other (`make test`). The longest file comes first: no worker
is busy for minutes after the other has ended.
"""

from pathlib import Path

import pytest

# Seconds of each file of tests/integration on a quiet host of two cores, rounded. A new file
# needs no entry: its place is in the middle.
_SECONDS = {
    "test_template_faults": 1000,  # needs no template: the other worker builds the template
    "test_clones": 320,
    "test_libvirt": 161,
    "test_configure": 143,
    "test_litmus": 138,
    "test_export": 112,
    "test_check": 110,
    "test_template": 105,
    "test_up_check": 101,
    "test_faults": 88,
    "test_doorbell": 83,
    "test_coherence_faults": 83,
    "test_coherence": 77,
    "test_fabrics": 63,
    "test_nodes": 58,
    "test_library": 53,
    "test_library_deaths": 46,
    "test_verbs": 28,
    "test_watch": 20,
    "test_driver": 17,
    "test_rootless": 13,
}
_NEW_FILE = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)  # stable: a file's own order stays


def _place(item: pytest.Item) -> int:
    if item.get_closest_marker("integration") is None:
        return -1_000_000
    return -_SECONDS.get(Path(item.path).stem, _NEW_FILE)
