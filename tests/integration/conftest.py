# SPDX-License-Identifier: GPL-2.0-or-later
"""Real fabrics for real tests: real QEMU, real Debian, one template for all."""

import os
from collections.abc import Iterator

import pytest

from tests.integration.cli import Cli, running


@pytest.fixture(scope="session")
def two() -> Iterator[Cli]:
    """A fabric of two nodes, shared by the tests that leave it as they found it."""
    with running(2) as cli:
        yield cli


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Iterator[Cli]:
    """A fabric of the test's own; nothing runs yet."""
    cli = Cli(f"o{os.getpid()}-{abs(hash(request.node.name)) % 10000}")
    try:
        yield cli
    finally:
        cli.purge()
