# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver in real nodes: the pool at /dev/fam0 without sudo, in huge pages; its removal."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli

pytestmark = pytest.mark.integration

MIB = 1 << 20

# For all programs: map(offset, size), which prints the reason of a failure.
MAP = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define MIB (1UL << 20)
static char *map_file(const char *path, off_t offset, size_t size)
{
    int fd = open(path, O_RDWR);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    if (fd < 0 || memory == MAP_FAILED) { perror(path); exit(1); }
    return memory;
}
static char *map(off_t offset, size_t size) { return map_file("/dev/fam0", offset, size); }
"""

GREET = r"int main(void) { strcpy(map(5 * MIB + 4096, 4096), " r'"through fam0"); return 0; }'

# The size in kB of the process's page tables after the process has touched each page of 64 MiB.
TABLES = r"""
static long tables(void)
{
    char line[128];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof(line), status)) sscanf(line, "VmPTE: %ld", &kib);
    return kib;
}
int main(int argc, char **argv)
{
    volatile char *pool = map_file(argv[argc - 1], 0, 64 * MIB);
    long before = tables();
    for (size_t i = 0; i < 64 * MIB; i += 4096) pool[i] = pool[i];
    printf("%ld\n", tables() - before);
    return 0;
}
"""

# Children see the mapping, holes stay holes, the rest works; a word across huge pages is whole.
SPLIT = r"""
static int dies(char *address)
{
    int status;
    if (fork() == 0) { *(volatile char *)address = 1; _exit(0); }
    wait(&status);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}
int main(void)
{
    char *pool = map(0, 8 * MIB), *odd = map(3 * MIB + 4096, 2 * MIB);
    memset(pool, 1, 8 * MIB);
    if (fork() == 0) { memset(pool, 2, 8 * MIB); _exit(0); }
    wait(NULL);
    if (pool[0] != 2 || pool[8 * MIB - 1] != 2 || odd[0] != 2) return puts("fork"), 1;
    munmap(pool + 3 * MIB, MIB);
    pool[3 * MIB - 1] = pool[4 * MIB] = 3;
    if (!dies(pool + 3 * MIB) || odd[MIB - 4096] != 3) return puts("munmap"), 1;
    mprotect(pool, MIB, PROT_READ);
    if (!dies(pool) || pool[0] != 2) return puts("mprotect"), 1;
    mprotect(pool, MIB, PROT_READ | PROT_WRITE);
    pool[0] = pool[MIB] = 4;
    char *place = mmap(NULL, 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *moved = mremap(pool + 4 * MIB, 4 * MIB, 4 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    if (moved != place || moved[0] != 3 || moved[4 * MIB - 1] != 2) return puts("mremap"), 1;
    if (msync(pool, MIB, MS_SYNC)) return puts("msync"), 1;
    puts("whole");
    return 0;
}
"""

REFUSE = r"""
static void try(const char *name, int flags, off_t offset, size_t size)
{
    int fd = open("/dev/fam0", O_RDWR);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);
    printf("%s: %s\n", name, memory == MAP_FAILED ? strerror(errno) : "mapped");
}
int main(void)
{
    try("all", MAP_SHARED, 0, 64 * MIB);
    try("private", MAP_PRIVATE, 0, 4096);
    try("beyond", MAP_SHARED, 64 * MIB, 4096);
    try("over the end", MAP_SHARED, 63 * MIB, 2 * MIB);
    try("far off", MAP_SHARED, 1L << 62, 4096);
    return 0;
}
"""

# Both ways at once, whichever came first: neither may spoil the other.
BOTH = r"""
int main(void)
{
    const char *paths[] = { "/dev/fam0", "/mnt/fabric_emulation" };
    char *maps[4];
    for (int i = 0; i < 4; i++) {
        maps[i] = map_file(paths[i % 2], 0, 4 * MIB);
        maps[i][MIB + i] = 'a' + i;
    }
    for (int i = 0; i < 4; i++)
        if (memcmp(maps[i] + MIB, "abcd", 4)) return 1;
    puts("both");
    return 0;
}
"""

# 64 children map the pool, all at once, and each stores a word that the parent finds.
CROWD = r"""
int main(void)
{
    for (int i = 0; i < 64; i++)
        if (fork() == 0) {
            volatile int *slots = (int *)map(0, 64 * MIB);
            slots[i] = i + 1;
            for (int waited = 0; waited < 12000 && !slots[64]; waited++) usleep(10000);
            _exit(slots[64] ? 0 : 1);
        }
    volatile int *slots = (int *)map(0, 4096);
    int failed = 0, status;
    for (int i = 0; i < 64; i++) while (slots[i] != i + 1) usleep(1000);
    slots[64] = 1;
    while (wait(&status) > 0) failed += status != 0;
    printf("%d failed\n", failed);
    return 0;
}
"""

# Maps 8 MiB, makes /tmp/mapped, and exits with 7 if a touch after the removal is SIGBUS.
REMOVED = r"""
static void on_bus(int number) { _exit(number == SIGBUS ? 7 : 1); }
int main(void)
{
    volatile char *pool = map(0, 8 * MIB);
    signal(SIGBUS, on_bus);
    pool[0] = pool[4 * MIB] = 1;
    creat("/tmp/mapped", 0600);
    for (int waited = 0; waited < 60000; waited++) {
        if (pool[4 * MIB] + pool[6 * MIB] == 77) break;
        usleep(1000);
    }
    return 0;
}
"""


def compiled(cli: Cli, node: int, name: str, source: str) -> str:
    cli.ok("ssh", str(node), "--", f"cat > {name}.c && gcc -O1 -o {name} {name}.c", stdin=source)
    return f"./{name}"


def program(cli: Cli, name: str, source: str, *words: str) -> str:
    """Compile and run a program in node 1, as user fabric; return its standard output."""
    return cli.node(1, " ".join([compiled(cli, 1, name, MAP + source), *words]))


@pytest.fixture(
    scope="module",
    params=["trixie", pytest.param("bookworm", marks=pytest.mark.campaign("driver"))],
)
def pair(request: pytest.FixtureRequest) -> Iterator[Cli]:
    cli = Cli(f"v{os.getpid()}")
    try:
        cli.ok("up", "2", "--pool", "64M", "--suite", request.param)
        yield cli
    finally:
        cli.purge()


def pool_bytes(cli: Cli, offset: int, size: int) -> bytes:
    with Path(cli.status()["pool"]).open("rb") as pool:
        pool.seek(offset)
        return pool.read(size)


def test_the_file_belongs_to_the_group_fabric_and_no_udev_was_needed(pair: Cli) -> None:
    assert pair.node(1, "stat -c '%A %U %G' /dev/fam0") == "crw-rw---- root fabric"
    assert "famulus" in pair.node(1, "lspci -ks 0000:00:04.0 | grep 'driver in use'")


def test_a_store_without_sudo_is_seen_on_the_host_and_by_the_other_node(pair: Cli) -> None:
    program(pair, "greet", GREET)
    assert pool_bytes(pair, 5 * MIB + 4096, 12) == b"through fam0"
    show = (
        "import mmap, os; f = os.open('/mnt/fabric_emulation', os.O_RDWR); "
        f"print(mmap.mmap(f, 4096, offset={5 * MIB + 4096})[:12])"
    )
    assert pair.node(2, f'sudo python3 -c "{show}"') == "b'through fam0'"


def test_huge_pages_are_used(pair: Cli) -> None:
    """2 MiB pages need no table of 4 KiB ones; resource2 needs 32 of 4 KiB each for 64 MiB."""
    own = int(program(pair, "tables", TABLES, "/dev/fam0"))
    sysfs = int(pair.node(1, "sudo ./tables /mnt/fabric_emulation"))
    before = "mapped at once" if sysfs == 0 else f"{sysfs} kB"
    print(f"page tables for 64 MiB: /dev/fam0 {own} kB, resource2 {before}")
    assert own <= 8


def test_fork_munmap_mprotect_and_mremap_split_huge_pages(pair: Cli) -> None:
    assert program(pair, "split", SPLIT) == "whole"


def test_wrong_mappings_are_refused(pair: Cli) -> None:
    assert program(pair, "refuse", REFUSE).splitlines() == [
        "all: mapped",
        "private: Invalid argument",
        "beyond: Invalid argument",
        "over the end: Invalid argument",
        "far off: Invalid argument",
    ]


def test_resource2_and_fam0_work_side_by_side(pair: Cli) -> None:
    compiled(pair, 1, "both", MAP + BOTH)
    assert pair.node(1, "sudo ./both") == "both"


def test_64_programs_map_the_pool_at_once(pair: Cli) -> None:
    pair.ok("pool", "clear", "0", "4096", "--yes")
    assert program(pair, "crowd", CROWD) == "0 failed"


def test_a_device_removed_while_mapped_is_sigbus_and_comes_back(pair: Cli) -> None:
    compiled(pair, 1, "removed", MAP + REMOVED)
    shown = pair.node(
        1,
        "rm -f /tmp/mapped; ./removed & "
        "for i in $(seq 600); do [ -e /tmp/mapped ] && break; sleep 0.1; done; "
        "echo 1 | sudo tee /sys/bus/pci/devices/0000:00:04.0/remove > /dev/null; "
        "wait $!; echo status $?; ls /dev/fam0 2>&1; echo 1 | sudo tee /sys/bus/pci/rescan; "
        "stat -c '%A %G' /dev/fam0",
    )
    assert shown.splitlines() == [
        "status 7",
        "ls: cannot access '/dev/fam0': No such file or directory",
        "1",
        "crw-rw---- fabric",
    ]
    assert program(pair, "refuse", REFUSE).startswith("all: mapped")


def test_the_kernel_logs_no_warning(pair: Cli) -> None:
    words = "BUG|Oops|WARNING|Bad page|bad pud|bad pmd|Call Trace"
    assert pair.node(1, f"sudo dmesg | grep -E '{words}' || true") == ""
