# SPDX-License-Identifier: GPL-2.0-or-later
"""A node as its programs see it: name, peers, the outside and the pool."""

import http.server
import socket
import threading
from pathlib import Path

import pytest

from tests.integration.cli import Cli
from tests.integration.ping import check_ping

pytestmark = pytest.mark.integration

# The ancestor's first program maps without PROT_READ, and the kernel stores the names.
STORE_UNAME = r"""
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/utsname.h>
int main(void) {
    int fd = open("/mnt/fabric_emulation", O_RDWR);
    struct utsname *name = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 8192);
    if (fd < 0 || name == MAP_FAILED) { perror("pool"); return 1; }
    return uname(name);
}
"""

ADD = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    int fd = open("/mnt/fabric_emulation", O_RDWR);
    uint64_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 12288);
    for (long i = atol(argv[argc - 1]); i > 0; i--) __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
    return 0;
}
"""


def test_each_node_has_its_own_name_address_and_keys(two: Cli) -> None:
    for number in (1, 2):
        shown = two.node(number, "hostname; cat /etc/hostname; ip -4 -o addr show eth0; id -un")
        seen = [
            line for line in shown.split("\n") if line
        ]  # a clone's files end in blank ones first
        assert seen[:2] == [f"fabric{number}"] * 2
        assert f"192.168.42.{number}/24" in seen[2]
        assert seen[3] == "fabric"
    ids = {
        two.node(number, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub")
        for number in (1, 2)
    }
    assert len(ids) == 2


def test_hosts_names_every_node_and_the_host(two: Cli) -> None:
    hosts = two.node(1, "cat /etc/hosts")
    for line in ("192.168.42.1 fabric1", "192.168.42.2 fabric2", "192.168.42.254 vmhost"):
        assert line in hosts
    assert socket.gethostname() in hosts


def test_the_pool_is_bar_2_of_0000_00_04_0(two: Cli) -> None:
    shown = two.node(1, "sudo lspci -vv -s 0000:00:04.0")
    assert "Inter-VM shared memory" in shown
    assert "Region 2: Memory at" in shown
    assert "[size=64M]" in shown
    assert (
        two.node(1, "readlink /mnt/fabric_emulation")
        == "/sys/bus/pci/devices/0000:00:04.0/resource2"
    )


def test_a_program_written_for_the_ancestor_compiles_and_works(two: Cli) -> None:
    two.ok("ssh", "1", "--", "cat > store.c", stdin=STORE_UNAME)
    two.node(1, "gcc -O -Wall -o store store.c && sudo ./store")
    with Path(two.status()["pool"]).open("rb") as pool:
        pool.seek(8192)
        assert pool.read(72).startswith(b"Linux\0")
        pool.seek(8192 + 65)
        assert pool.read(8) == b"fabric1\0"


def test_atomics_between_nodes_lose_nothing(two: Cli) -> None:
    two.ok("pool", "clear", "12288", "4096", "--yes")
    for number in ("1", "2"):
        two.ok("ssh", number, "--", "cat > add.c && gcc -O2 -o add add.c", stdin=ADD)
    two.ok("exec", "all", "--", "sudo ./add 1000000")
    with Path(two.status()["pool"]).open("rb") as pool:
        pool.seek(12288)
        assert int.from_bytes(pool.read(8), "little") == 2_000_000


def test_nodes_reach_each_other_by_ssh_without_a_question(two: Cli) -> None:
    for user, peer in (("fabric", "fabric2"), ("root", "fabric2"), ("fabric", "192.168.42.2")):
        assert two.node(1, f"ssh -o BatchMode=yes {peer} hostname", user=user) == "fabric2"
    assert two.node(2, "ssh -o BatchMode=yes fabric1 hostname") == "fabric1"


def test_nodes_reach_each_other_without_a_lost_or_doubled_packet(two: Cli) -> None:
    check_ping(two, 1, "fabric2", 20)


def test_a_stream_between_nodes_arrives_whole(two: Cli) -> None:
    sums = two.node(
        1, "head -c 20000000 /dev/urandom > blob; sha256sum < blob; ssh fabric2 sha256sum < blob"
    ).split("\n")
    assert sums[0] == sums[1]


def test_nodes_reach_the_host_as_vmhost(two: Cli) -> None:
    handler = http.server.SimpleHTTPRequestHandler
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        fetch = f"urlopen('http://vmhost:{port}/', timeout=300).status"
        probe = f"from urllib.request import urlopen; print({fetch})"
        assert two.node(1, f'python3 -c "{probe}"') == "200"
        server.shutdown()


def test_sudo_and_development_tools(two: Cli) -> None:
    assert two.node(1, "sudo id -u") == "0"
    two.node(1, "which gcc make aptitude vim python3 lspci killall ping ip")
    two.node(1, "sudo which qemu-ga")


def test_apt_installs_a_package(two: Cli) -> None:
    install = "sudo apt-get -q update && sudo apt-get -q -y install hello"
    two.ok("ssh", "1", "-l", "fabric", "--", install)  # may take minutes under TCG
    assert two.node(1, "hello") == "Hello, world!"
    assert "hello" in two.node(1, "aptitude -q search '?installed?exact-name(hello)'")


def test_devices_and_file_systems_of_the_kernel_are_there(two: Cli) -> None:
    two.node(1, "test -c /dev/loop-control -a -c /dev/fuse -a -c /dev/kmsg")
    opened = "import os; os.close(os.open('/dev/net/tun', os.O_RDWR))"  # loads the driver
    two.node(1, f'sudo python3 -c "{opened}"')
    mounted = two.node(1, "for m in mqueue hugepages; do findmnt -n -o FSTYPE /dev/$m; done")
    assert mounted.split() == ["mqueue", "hugetlbfs"]


def test_a_user_has_services(two: Cli) -> None:
    unit = r"[Service]\nExecStart=/bin/sleep 1000\n"
    folder = ".config/systemd/user"
    two.node(1, f"mkdir -p {folder}; printf '{unit}' > {folder}/wait.service")
    two.node(1, "systemctl --user daemon-reload; systemctl --user start wait")
    assert two.node(1, "systemctl --user is-active wait") == "active"
    two.node(1, f"systemctl --user stop wait; rm -r {folder}; sudo systemctl stop user@1000")


def test_a_login_may_start_a_thousand_processes(two: Cli) -> None:
    many = "for i in $(seq 1000); do sleep 1000 & done; jobs -r | wc -l; kill $(jobs -p)"
    assert two.node(1, f"bash -c '{many}'").split()[0] == "1000"


def test_terminals_and_pagers_are_known(two: Cli) -> None:
    terminals = (
        "xterm-256color xterm-kitty alacritty foot tmux-256color screen-256color rxvt-unicode"
    )
    two.node(1, f"for t in {terminals}; do infocmp $t > /dev/null || exit 1; done; which less xxd")


def test_nothing_failed_in_a_node(two: Cli) -> None:
    assert two.node(1, "systemctl --failed --no-legend --plain") == ""
    assert two.node(1, "systemctl is-system-running") == "running"
