# SPDX-License-Identifier: GPL-2.0-or-later
"""Three hundred rounds of faults at random moments; after each, `up` makes the fabric whole.

A fabric lives through many rounds. A round names its seed: a failed round is run again with
`make campaign PART=faults-2 ARGS='-k seed-117'`.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random

import pytest

from tests.integration.cli import Cli
from tests.integration.rig import Rig, ends, gone, pick, send, stopped

pytestmark = pytest.mark.integration

ROUNDS, PARTS = 300, 6
FABRICS = ((), ("--doorbell",), ("--coherence", "none", "--check"))
VERBS = (
    ("up", "2"),
    ("up", "3"),
    ("up", "1"),
    ("down",),
    ("node", "stop", "1"),
    ("node", "kill", "2"),
)
LOOKS = (
    ("status",),
    ("exec", "all", "--", "true"),
    ("pool", "read", "0", "16"),
    ("node", "pause", "1"),
)
LONGEST = 8.0  # seconds: a verb on clones has ended by then, most often


def begin(chance: Random, rig: Rig, verbs: Sequence[tuple[str, ...]]) -> subprocess.Popen[str]:
    verb = chance.choice(verbs)
    print("verb:", *verb)
    return rig.cli.start(*verb)


def a_verb_is_killed(chance: Random, rig: Rig) -> None:
    verb = begin(chance, rig, VERBS)
    time.sleep(chance.uniform(0, LONGEST))
    gone(verb)


def a_process_is_killed(chance: Random, rig: Rig) -> None:
    send(pick(chance, rig), signal.SIGKILL)


def a_process_is_killed_during_a_verb(chance: Random, rig: Rig) -> None:
    verb = begin(chance, rig, VERBS + LOOKS)
    time.sleep(chance.uniform(0, LONGEST / 2))
    send(pick(chance, rig), signal.SIGKILL)
    ends(verb)


def a_process_stands_still_during_a_verb(chance: Random, rig: Rig) -> None:
    pid = pick(chance, rig)
    with stopped(pid):
        verb = begin(chance, rig, VERBS + LOOKS)
        time.sleep(chance.uniform(0, 2 * LONGEST))
    ends(verb)


def a_process_stands_still_and_is_killed(chance: Random, rig: Rig) -> None:
    pid = pick(chance, rig)
    with stopped(pid):
        ends(rig.cli.start("status"))
        send(pid, signal.SIGKILL)


FAULTS: tuple[Callable[[Random, Rig], None], ...] = (
    a_verb_is_killed,
    a_process_is_killed,
    a_process_is_killed_during_a_verb,
    a_process_stands_still_during_a_verb,
    a_process_stands_still_and_is_killed,
)


@pytest.fixture(scope="module")
def rigs() -> Iterator[dict[tuple[str, ...], Rig]]:
    """The fabrics that live, by their options. A failed round leaves no fabric to the next."""
    found: dict[tuple[str, ...], Rig] = {}
    yield found
    for rig in found.values():
        rig.nothing_is_left()


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(
            seed,
            id=f"seed-{seed}",
            marks=pytest.mark.campaign(f"faults-{seed * PARTS // ROUNDS + 1}"),
        )
        for seed in range(ROUNDS)
    ],
)
def test_up_repairs_what_a_fault_broke(rigs: dict[tuple[str, ...], Rig], seed: int) -> None:
    chance = Random(seed)
    options = FABRICS[seed * len(FABRICS) // (ROUNDS // PARTS) % len(FABRICS)]
    rig = rigs.pop(options, None) or Rig(Cli(f"faults{FABRICS.index(options)}"), options)
    try:
        rig.up()
        rig.check()
        rig.write(f"word{seed}")
        fault = chance.choice(FAULTS)
        print(fault.__name__, options)
        fault(chance, rig)
        rig.up()
        rig.check()
    except BaseException:
        rig.cli.purge()
        raise
    rigs[options] = rig
