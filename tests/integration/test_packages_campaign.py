# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages that programs of this field need: in a running node, and in a template."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli, running

pytestmark = [pytest.mark.integration, pytest.mark.campaign("packages")]

# Each package, with a command that shows that the package works.
PACKAGES = {
    "bpftrace": "bpftrace --version",
    "cargo": "cargo --version",
    "clang": "echo 'int main(void) { return 0; }' | clang -x c - -o /tmp/c && /tmp/c",
    "cmake": "cmake --version",
    "default-jdk-headless": "java -version && javac -version",
    "fio": "fio --name=x --size=64k --filename=/tmp/fio.x --rw=write",
    "gdb": "gdb -batch -ex 'run' -ex 'quit' /bin/true",
    "git": "git --version",
    "golang-go": "go version",
    "htop": "htop --version",
    "libboost-dev": "test -e /usr/include/boost/version.hpp",
    "libck-dev": "test -e /usr/include/ck_pr.h",
    "libfabric-dev": "test -e /usr/include/rdma/fabric.h",
    "liblmdb-dev": "test -e /usr/include/lmdb.h",
    "libndctl-dev": "test -e /usr/include/ndctl/libndctl.h",
    "libnuma-dev": "test -e /usr/include/numa.h",
    "libpmem-dev": "test -e /usr/include/libpmem.h",
    "libtbb-dev": "test -e /usr/include/tbb/tbb.h",
    "liburing-dev": "test -e /usr/include/liburing.h",
    "linux-perf": "perf --version",
    "memcached": "memcached --version",
    "mpich": "mpiexec.mpich -n 2 true",
    "numactl": "numactl --show",
    "openmpi-bin": "mpirun.openmpi --version",
    "podman uidmap": "podman info",  # without the recommended uidmap, podman needs sudo
    "python3-numpy": "python3 -c 'import numpy; print(numpy.arange(3))'",
    "python3-pytest": "python3 -m pytest --version",
    "redis-server": "redis-server --version",
    "rustc": "echo 'fn main() {}' > /tmp/r.rs && rustc -o /tmp/r /tmp/r.rs && /tmp/r",
    "sqlite3": "sqlite3 :memory: 'select 1'",
    "strace": "strace -o /tmp/s true",
    "valgrind": "valgrind -q true",
}


@pytest.fixture(scope="module")
def node() -> Iterator[Cli]:
    with running(1) as cli:
        cli.ok("ssh", "1", "--", "sudo apt-get -q update")
        yield cli


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_installs_and_works_in_a_node(node: Cli, package: str) -> None:
    install = f"sudo DEBIAN_FRONTEND=noninteractive apt-get -q -y install {package}"
    node.ok("ssh", "1", "--", f"{install} && {PACKAGES[package]}", timeout=1800)


def test_all_packages_install_in_a_template(own: Cli, tmp_path: Path) -> None:
    names = ", ".join(f'"{name}"' for names in PACKAGES for name in names.split())
    (tmp_path / "fabric.toml").write_text(f"packages = [{names}]\n", encoding="utf-8")
    other = Cli(own.fabric, cwd=tmp_path)
    other.ok("up", "1", "--pool", "64M", timeout=3000)
    for command in PACKAGES.values():
        other.ok("ssh", "1", "--", command)
