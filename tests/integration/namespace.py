# SPDX-License-Identifier: GPL-2.0-or-later
"""A libvirt of the tests' own: libvirtd, dnsmasq and nodes in namespaces that end with the test.

Network, mounts and processes are apart from the host's. The files of libvirt are in file systems in
memory that only these namespaces have. When the first process of the namespaces ends, the kernel
ends all others: nothing can be left behind.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from famulus.base.waiting import wait_until
from tests.integration.cli import Cli
from tests.integration.users import be_user

# /run is covered whole: on the system's bus there, libvirtd would find the host's systemd-machined.
_OWN = "/run /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /etc/libvirt /dev/shm"
# libvirt probes QEMU as this user. libvirt 9 probes for ever if its own user cannot open /dev/kvm.
# The shell stays as the first process, which has to reap ended processes, as `wait` does.
_CONFIGURATION = """
set -e
umount --lazy /sys  # or libvirt knows of control groups that it cannot reach
mount -t sysfs none /sys
for folder in {own}; do
    mkdir -p $folder
    mount -t tmpfs none $folder
done
mkdir /run/lock
: >/run/resolv.conf
names=$(readlink --canonicalize-missing /etc/resolv.conf)
mkdir -p "$(dirname "$names")"
[ -e "$names" ] || : >"$names"
mount --bind /run/resolv.conf "$names"
ip link set lo up
printf 'user = "root"\\ngroup = "root"\\n' >/etc/libvirt/qemu.conf
printf 'auth_unix_rw = "none"\\n' >/etc/libvirt/libvirtd.conf
echo ready
sleep infinity &
wait
"""
_UNSHARE = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_TIMEOUT = 400.0  # seconds for libvirtd's start: libvirtd asks QEMU for its capabilities


@dataclass(frozen=True)
class Namespace:
    """The namespaces whose first process is `first`, as the host numbers it."""

    first: int

    def enter(self, *argv: str) -> list[str]:
        """Return the command that runs `argv` in the namespaces."""
        return ["nsenter", f"--target={self.first}", "--mount", "--net", "--pid", *argv]

    def run(self, *argv: str, check: bool = True) -> str:
        """Run `argv` in the namespaces and return the output; a failure shows all output."""
        result = subprocess.run(
            self.enter(*argv), capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
        assert result.returncode == 0 or not check, f"{argv}\n{result.stdout}{result.stderr}"
        return result.stdout.strip()

    def start_libvirt(self) -> None:
        """Start libvirtd and the daemon of its logs; return when libvirtd answers."""
        if not self.run("pgrep", "-x", "virtlogd", check=False):
            self.run("virtlogd", "--daemon")
        self.run("libvirtd", "--daemon")
        wait_until("libvirtd", self._answers, timeout=_TIMEOUT)

    def stop_libvirt(self) -> None:
        """End libvirtd and leave its domains running; return when libvirtd has ended."""
        pid = self.run("cat", "/run/libvirtd.pid")
        self.run("kill", pid)
        wait_until(
            "its end", lambda: not self.run("ls", f"/proc/{pid}", check=False), timeout=_TIMEOUT
        )

    def ask_names_of(self, address: str) -> None:
        """Make `address` the name server of programs in the namespaces."""
        self.run("sh", "-c", f"echo nameserver {address} >/run/resolv.conf")

    def virsh(self, *words: str, check: bool = True) -> str:
        """Run virsh on the libvirt of the namespaces and return the output."""
        return self.run("virsh", "--quiet", "--connect", "qemu:///system", *words, check=check)

    def processes(self) -> list[str]:
        """Return the processes of the namespaces, without the first process and this `ps`."""
        shown = self.run("ps", "-e", "-o", "args=").splitlines()
        return [line for line in shown if not line.startswith(("sh -c", "sleep infinity", "ps -e"))]

    def _answers(self) -> bool:
        return "QEMU" in self.virsh("version", check=False)


@dataclass
class NamespaceCli(Cli):
    """The command `famulus`, run in `namespace`."""

    namespace: Namespace = Namespace(0)

    def argv(self, *words: str) -> list[str]:
        return self.namespace.enter(*super().argv(*words))


@dataclass
class UserCli(NamespaceCli):
    """The command `famulus`, run by a normal user with a Python of the user's own."""

    user: str = ""
    python: str = ""

    def argv(self, *words: str) -> list[str]:
        return self.namespace.enter(*be_user(self.user), self.python, "-m", "famulus", *words)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Yield namespaces in which nothing runs yet."""
    script = _CONFIGURATION.format(own=_OWN)
    # The kernel ends the namespaces when this process ends, however it ends.
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", *_UNSHARE, "sh", "-c", script]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n", "the namespaces cannot be made"
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            yield Namespace(int(children.read_text(encoding="ascii").split()[0]))
        finally:
            with suppress(ProcessLookupError):
                process.kill()
