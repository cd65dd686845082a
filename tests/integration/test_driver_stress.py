# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver under stress: anything at random, while its device comes and goes. `make campaign`."""

import os

import pytest

from tests.integration.cli import TIMEOUT, Cli

pytestmark = [pytest.mark.integration, pytest.mark.campaign("driver")]

WORDS = "BUG|Oops|WARNING|Bad page|bad pud|bad pmd|Call Trace|refcount|leak"

# Use the device at random, again and again, while the test removes the device.
STRESS = r"""
#define _GNU_SOURCE
#include <famulus_uapi.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define MIB (1UL << 20)
static sigjmp_buf back;
static unsigned seed;
static unsigned any(unsigned end) { return rand_r(&seed) % end; }
static void on_bus(int number) { siglongjmp(back, number); }
static void map(int fd)
{
    size_t size = (1 + any(2048)) * 4096, start = any(8192) * 4096;
    char *pool = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
    if (pool == MAP_FAILED) return;
    if (!sigsetjmp(back, 1)) {
        for (int i = 0; i < 20; i++) pool[any(size)]++;
        if (any(3) == 0) mprotect(pool + any(size / 4096) * 4096, 4096, PROT_READ);
        if (any(3) == 0) munmap(pool + any(size / 4096) * 4096, 4096);
        if (any(3) == 0 && fork() == 0) { if (!sigsetjmp(back, 1)) pool[any(size)]++; _exit(0); }
        pool[any(size)]++;
    }
    munmap(pool, size);
}
static void act(int fd)
{
    struct famulus_ring ring = { 1 + any(2), any(4) };
    struct famulus_eventfd set = { any(4), eventfd(0, EFD_NONBLOCK) };
    struct pollfd one = { .fd = fd, .events = POLLIN };
    struct famulus_info info;
    uint64_t mask;
    for (int i = 0; i < 20; i++)
        switch (any(6)) {
        case 0: ioctl(fd, FAMULUS_RING, &ring); break;
        case 1: ioctl(fd, FAMULUS_SET_EVENTFD, &set); break;
        case 2: poll(&one, 1, any(3)); break;
        case 3: (void)!read(fd, &mask, 8); break;
        case 4: ioctl(fd, FAMULUS_GET_INFO, &info); break;
        default: map(fd);
        }
    close(set.fd);
}
static int worker(int rounds)
{
    signal(SIGBUS, on_bus);
    signal(SIGSEGV, on_bus);
    for (int i = 0; i < rounds; i++) {
        int fd = open("/dev/fam0", O_RDWR | O_NONBLOCK);
        if (fd < 0) usleep(1000);
        else { act(fd); close(fd); }
        while (waitpid(-1, NULL, WNOHANG) > 0) ;
    }
    while (wait(NULL) > 0) ;
    return 0;
}
int main(int argc, char **argv)
{
    int failed = 0, status;
    for (unsigned i = 0; i < 8; i++) {
        seed = i;
        if (fork() == 0) _exit(worker(atoi(argv[argc - 1])));
    }
    while (wait(&status) > 0) failed += status != 0;
    printf("%d failed\n", failed);
    return 0;
}
"""


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_anything_at_random_while_the_device_comes_and_goes(suite: str) -> None:
    cli = Cli(f"s{os.getpid()}")
    try:
        cli.ok("up", "2", "--pool", "64M", "--doorbell", "--suite", suite)
        cli.ok("ssh", "1", "--", "cat > stress.c && gcc -O1 -o stress stress.c", stdin=STRESS)
        stress = cli.start("ssh", "1", "--", "./stress 500; echo status $?")
        cli.node(
            1,
            "for i in $(seq 30); do sleep 0.2;"
            " echo 1 | sudo tee /sys/bus/pci/devices/0000:00:04.0/remove; sleep 0.1;"
            " echo 1 | sudo tee /sys/bus/pci/rescan; done > /dev/null",
        )
        shown = stress.communicate(timeout=TIMEOUT)[0]
        assert "0 failed\nstatus 0" in shown.replace("\r", ""), shown
        assert cli.node(1, "sudo rmmod famulus && sudo modprobe famulus && ls /dev/fam0")
        assert cli.node(1, f"sudo dmesg | grep -E '{WORDS}' || true") == ""
    finally:
        cli.purge()
