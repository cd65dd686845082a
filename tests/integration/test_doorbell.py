# SPDX-License-Identifier: GPL-2.0-or-later
"""The doorbell between real nodes: by read, poll and eventfd, and after deaths on both sides."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.doorbell.service import Doorbell
from famulus.state.folder import FabricFolder
from tests.integration.cli import TIMEOUT, Cli
from tests.places import ROOT

pytestmark = pytest.mark.integration

BELL = r"""
#include <errno.h>
#include <famulus_uapi.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
static int fam;
static int say(const char *action, int failed)
{
    printf("%s: %s\n", action, failed ? strerror(errno) : "done");
    return 0;
}
static int wait_for(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    return poll(&one, 1, 120000) == 1 && one.revents == POLLIN ? 0 : 1;
}
static int info(void)
{
    struct famulus_info info;
    if (ioctl(fam, FAMULUS_GET_INFO, &info)) return say("info", 1);
    printf("%llu MiB, id %d, %u vectors, peers to %u\n", (unsigned long long)info.size >> 20,
           info.id, info.vectors, info.peers_max);
    return 0;
}
static int ring(unsigned peer, unsigned vector)
{
    struct famulus_ring ring = { .peer = peer, .vector = vector };
    return say("ring", ioctl(fam, FAMULUS_RING, &ring));
}
static int set(unsigned vector, int fd)
{
    struct famulus_eventfd set = { .vector = vector, .fd = fd };
    return ioctl(fam, FAMULUS_SET_EVENTFD, &set);
}
static int hear(unsigned vector)
{
    uint64_t count = 0, mask = 0;
    int events = eventfd(0, 0);
    if (set(vector, events) || set(vector + 9, events) != -1 || errno != EINVAL) return 1;
    creat("/tmp/listening", 0600);
    if (wait_for(events) || read(events, &count, 8) != 8 || !count) return 2;
    if (wait_for(fam) || read(fam, &mask, 8) != 8) return 3;
    if (set(vector, -1)) return 4;
    printf("vectors %llx\n", (unsigned long long)mask);
    return 0;
}
static int wait_read(void)
{
    uint64_t mask = 0;
    creat("/tmp/listening", 0600);
    return say("read", read(fam, &mask, 8) != 8);
}
static int crowd(unsigned self)
{
    int failed = 0, status, ready[2];
    char byte;
    if (pipe(ready)) return 1;
    for (int i = 0; i < 64; i++)
        if (fork() == 0) {
            int own = open("/dev/fam0", O_RDWR | O_NONBLOCK);
            uint64_t mask;
            if (read(own, &mask, 8) != -1 || errno != EAGAIN) _exit(1);
            if (write(ready[1], "", 1) != 1 || wait_for(own)) _exit(2);
            _exit(read(own, &mask, 8) == 8 && mask == 2 ? 0 : 3);
        }
    for (int i = 0; i < 64; i++) failed += read(ready[0], &byte, 1) != 1;
    ring(self, 1);
    while (wait(&status) > 0) failed += status != 0;
    printf("%d failed\n", failed);
    return 0;
}
int main(int argc, char **argv)
{
    unsigned a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;
    fam = open("/dev/fam0", O_RDWR);
    if (fam < 0) return say("open", 1);
    if (!strcmp(argv[1], "info")) return info();
    if (!strcmp(argv[1], "ring")) return ring(a, b);
    if (!strcmp(argv[1], "hear")) return hear(a);
    if (!strcmp(argv[1], "read")) return wait_read();
    return crowd(a);
}
"""

LISTENING = "for i in $(seq 1200); do [ -e /tmp/listening ] && break; sleep 0.1; done"


def compile_in(cli: Cli, node: int) -> None:
    cli.ok("ssh", str(node), "--", "cat > bell.c && gcc -O1 -o bell bell.c", stdin=BELL)


def copy_from_first(cli: Cli, node: int) -> None:
    cli.ok("cp", "1:bell", f"{node}:bell")
    cli.node(node, "chmod 755 bell")


@pytest.fixture(
    scope="module",
    params=["trixie", pytest.param("bookworm", marks=pytest.mark.campaign("doorbell"))],
)
def pair(request: pytest.FixtureRequest) -> Iterator[Cli]:
    cli = Cli(f"d{os.getpid()}")
    try:
        cli.ok("up", "2", "--pool", "64M", "--doorbell", "--suite", request.param)
        compile_in(cli, 1)
        copy_from_first(cli, 2)
        yield cli
    finally:
        cli.purge()


def rings_through(cli: Cli, sender: int, hearer: int, vector: int = 2) -> None:
    """Check that a ring of `sender` wakes a program of `hearer` that waits by eventfd and poll."""
    cli.node(hearer, "rm -f /tmp/listening")
    listener = cli.start("ssh", str(hearer), "--", f"./bell hear {vector}")
    cli.node(hearer, LISTENING)
    assert cli.node(sender, f"./bell ring {hearer} {vector}") == "ring: done"
    shown = listener.communicate(timeout=TIMEOUT)[0]
    assert shown.strip().endswith(f"vectors {1 << vector:x}"), shown
    assert listener.returncode == 0


def doorbell(cli: Cli) -> Doorbell:
    return Doorbell(FabricFolder(cli.fabric).doorbell)


def test_a_node_knows_its_own_number(pair: Cli) -> None:
    for number in (1, 2):
        expected = f"64 MiB, id {number}, 4 vectors, peers to 64"
        assert pair.node(number, "./bell info") == expected


def test_nodes_and_host_see_the_same_pool(pair: Cli) -> None:
    pair.node(1, "make -s hello_fabric && sudo ./hello_fabric")
    assert "Hello from fabric1" in pair.node(
        2, "make -s hello_fabric_read && sudo ./hello_fabric_read"
    )
    with Path(pair.status()["pool"]).open("rb") as pool:
        assert pool.read(18) == b"Hello from fabric1"


@pytest.mark.parametrize(("sender", "hearer", "vector"), [(1, 2, 0), (2, 1, 3), (1, 1, 2)])
def test_a_ring_wakes_a_waiter(pair: Cli, sender: int, hearer: int, vector: int) -> None:
    rings_through(pair, sender, hearer, vector)


def test_a_ring_to_nobody_is_lost_and_a_wrong_ring_is_refused(pair: Cli) -> None:
    assert pair.node(1, "./bell ring 60 0") == "ring: done"
    assert pair.node(1, "./bell ring 2 4") == "ring: Invalid argument"
    assert pair.node(1, "./bell ring 65 0") == "ring: Invalid argument"


def test_64_programs_hear_the_same_ring(pair: Cli) -> None:
    assert pair.node(1, "./bell crowd 1").splitlines() == ["ring: done", "0 failed"]


def test_a_waiter_is_told_when_the_device_is_removed(pair: Cli) -> None:
    shown = pair.node(
        1,
        f"rm -f /tmp/listening; ./bell read & {LISTENING}; sleep 0.5; "
        "echo 1 | sudo tee /sys/bus/pci/devices/0000:00:04.0/remove > /dev/null; wait $!; "
        "echo 1 | sudo tee /sys/bus/pci/rescan > /dev/null; ./bell info",
    )
    assert shown.splitlines() == [
        "read: No such device",
        "64 MiB, id 1, 4 vectors, peers to 64",
    ]
    rings_through(pair, 2, 1)


def test_the_program_in_the_documentation_takes_turns(pair: Cli) -> None:
    text = (ROOT / "docs/driver.md").read_text(encoding="utf-8")
    (source,) = (part for part in re.findall(r"```c\n(.*?)```", text, re.DOTALL) if "main" in part)
    for node in ("1", "2"):
        argv = ("ssh", node, "--", "cat > turn.c && gcc -O2 -Wall -Werror -o turn turn.c")
        pair.ok(*argv, stdin=source)
    pair.ok("pool", "clear", "0", "4096", "--yes")
    second = pair.start("ssh", "2", "--", "timeout 120 ./turn 1")
    pair.node(
        2,
        "for i in $(seq 600); do pidof turn > /dev/null && break; sleep 0.1; done; sleep 1; "
        "until grep -q 'State:.S' /proc/$(pidof turn)/status; do sleep 0.1; done",
    )
    first = pair.node(1, "timeout 120 ./turn 2")
    shown = second.communicate(timeout=TIMEOUT)[0]
    lines = [line for line in (first + "\n" + shown).splitlines() if line.startswith("node")]
    turns = [f"node {2 - turn % 2} has turn {turn}" for turn in range(20)]
    assert sorted(lines) == sorted(turns)


def test_a_node_is_killed_and_comes_back(pair: Cli) -> None:
    pair.ok("node", "kill", "2")
    assert pair.node(1, "./bell ring 2 0") == "ring: done"
    pair.ok("node", "reset", "2")  # a new clone runs sooner than a boot from the disk
    copy_from_first(pair, 2)
    rings_through(pair, 1, 2)
    rings_through(pair, 2, 1)


def test_a_node_that_joins_is_known_to_all(pair: Cli) -> None:
    pair.ok("up", "3")
    copy_from_first(pair, 3)
    rings_through(pair, 3, 1)
    rings_through(pair, 2, 3)
    pair.ok("up", "2")


def test_the_server_is_killed_and_up_starts_another(pair: Cli) -> None:
    """Running nodes ring each other all the time; new nodes once all nodes were started anew."""
    before = [node["pid"] for node in pair.status()["nodes"]]
    server = doorbell(pair)
    server.daemon.send(signal.SIGKILL)
    while server.running():
        time.sleep(0.01)
    rings_through(pair, 1, 2)
    result = pair.run("up")
    assert result.returncode == 0, result.stderr
    assert "the doorbell's server was started anew" in result.stderr
    assert server.running()
    assert [node["pid"] for node in pair.status()["nodes"]] == before
    rings_through(pair, 2, 1)
    assert "anew" not in pair.run("up").stderr
    pair.ok("node", "stop", "all")
    pair.ok("up")
    rings_through(pair, 1, 2)


def test_the_kernel_logs_no_warning(pair: Cli) -> None:
    words = "BUG|Oops|WARNING|Bad page|Call Trace"
    for number in (1, 2):
        assert pair.node(number, f"sudo dmesg | grep -E '{words}' || true") == ""


def test_down_ends_the_server(pair: Cli) -> None:
    server = doorbell(pair)
    assert server.running()
    pair.ok("down", "--force")
    assert not server.running()
    assert pair.processes() == []


def test_without_a_doorbell_rings_are_not_supported(own: Cli) -> None:
    own.ok("up", "1", "--pool", "64M", "--no-doorbell")
    compile_in(own, 1)
    assert own.node(1, "./bell info") == "64 MiB, id -1, 0 vectors, peers to 64"
    for verb in ("ring 1 0", "read"):
        assert own.node(1, f"./bell {verb}").endswith("Operation not supported")
