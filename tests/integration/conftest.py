# SPDX-License-Identifier: GPL-2.0-or-later
"""Fabrics of real nodes: QEMU and Debian. All tests share one template."""

import os
from collections.abc import Iterator

import pytest

from tests.integration.cli import Cli, running


@pytest.fixture(scope="module")
def two() -> Iterator[Cli]:
    """A fabric of two nodes. Each test of a file leaves the fabric as the test found it."""
    with running(2) as cli:
        yield cli


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Iterator[Cli]:
    """A fabric of the test's own, not started yet."""
    cli = Cli(f"o{os.getpid()}-{abs(hash(request.node.name)) % 10000}")
    try:
        yield cli
    finally:
        cli.purge()
