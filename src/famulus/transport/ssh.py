# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenSSH: the keys of a fabric, the files that name them, and the arguments of ssh and scp.

The user's own ssh, scp and ssh-keygen do the work, so that programs on top of them (rsync, editors,
git) work with a fabric, too. OpenSSH refuses a user id without an entry in the password file; see
base.user for the words in front of the programs then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from famulus.base.lockfile import locked_if_free
from famulus.base.run import run
from famulus.base.user import with_a_name
from famulus.settings.identity import Identity, node_name

CONFIG_NAME = "ssh_config"  # in a fabric's folder
_KEYGEN_TIMEOUT = 30.0  # seconds

# Under TCG a post-quantum key exchange doubles the CPU time of a login, and a connection to a node
# never leaves the host.
_FIRST = """\
# ssh takes the first value of an option: in ~/.ssh/config, before every Host and Match line, write
#     Include {}
"""
_COMMON = """\
    User fabric
    IdentitiesOnly yes
    StrictHostKeyChecking yes
    GlobalKnownHostsFile /dev/null
    HostKeyAlgorithms ssh-ed25519
    KexAlgorithms curve25519-sha256
    GSSAPIAuthentication no
    LogLevel ERROR
    ProxyJump none
    ControlMaster auto
    ControlPersist 60
"""


def ensure_key(path: Path, comment: str) -> str:
    """Make the ed25519 key pair `path`, `path`.pub unless it exists; return the public line."""
    public = path.with_name(path.name + ".pub")
    if not (path.exists() and public.exists()):
        path.unlink(missing_ok=True)
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
        run([*with_a_name(), *make], timeout=_KEYGEN_TIMEOUT)
    return public.read_text(encoding="utf-8").strip()


def bare_key(public: str) -> str:
    """Return a public line without its comment: type and key."""
    return " ".join(public.split()[:2])


def known_hosts(host_keys: Mapping[Identity, str], *, by_address: bool) -> str:
    """Return a known_hosts file: a line for each node, with name and, if wanted, address."""
    return "".join(
        f"{node.name},{node.address} {key}\n" if by_address else f"{node.name} {key}\n"
        for node, key in host_keys.items()
    )


def client_config(folder: Path, sockets: Path, ways: Mapping[int, tuple[str, int]]) -> str:
    """Return the ssh_config with which the host reaches nodes at the addresses and ports `ways`.

    No other host of the user's is named. A value of the user's own file that stands before wins.
    """
    blocks = [
        f"Host {node_name(number)}\n"
        f"    HostName {address}\n    Port {port}\n    HostKeyAlias {node_name(number)}\n"
        for number, (address, port) in sorted(ways.items())
    ]
    files = {
        "IdentityFile": folder / "id_ed25519",
        "UserKnownHostsFile": folder / "known_hosts",
    }
    common = "".join(f"    {key} {_quoted(path)}\n" for key, path in files.items())
    common += f"    ControlPath {_quoted(sockets / 'ssh-', '%r-%n')}\n"
    return "\n".join(
        [_FIRST.format(_quoted(folder / CONFIG_NAME)), *blocks, _hosts(ways) + _COMMON + common]
    )


def _hosts(numbers: Iterable[int]) -> str:
    """Return the line that begins the options of the nodes, each of which is named."""
    return f"Host {' '.join(map(node_name, sorted(numbers)))}\n"


def _quoted(path: Path, tokens: str = "") -> str:
    """Return `path`, followed by `tokens` such as %r, as ssh_config(5) reads a quoted path."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}{tokens}"'


def node_config(numbers: Iterable[int]) -> str:
    """Return the ssh_config of the nodes `numbers`, which know each other's host keys."""
    return _hosts(numbers) + _NODE_OPTIONS


_NODE_OPTIONS = """\
    StrictHostKeyChecking yes
    HostKeyAlgorithms ssh-ed25519
    KexAlgorithms curve25519-sha256
"""


def login(
    config: Path,
    node: str,
    user: str | None,
    command: Sequence[str],
    *,
    tty: bool,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the arguments that log in to `node`, or run `command` there.

    Blanks join the words of `command` to a line for the node's shell. `options` are further options
    of ssh.
    """
    words = ["-F", str(config), *options]
    if user:
        words += ["-l", user]
    if tty:
        words.append("-t")
    return [*with_a_name(), "ssh", *words, node, *(["--", *command] if command else [])]


def copy(config: Path, paths: Sequence[str], *, recursive: bool) -> list[str]:
    """Return the arguments that copy between host and nodes (`fabric1:/path`)."""
    return [*with_a_name(), "scp", "-F", str(config), *(["-r"] if recursive else []), "--", *paths]


@contextmanager
def sharing(sockets: Path, node: str, user: str | None) -> Iterator[list[str]]:
    """Yield the options with which ssh shares a connection to `node` while the block runs.

    A single ssh at a time opens the shared connection. Another one that starts meanwhile has a
    connection of its own: ssh prints an error when two of them open the shared connection.
    """
    shared = sockets / f"ssh-{user or 'fabric'}-{node}"
    if shared.exists():
        yield []
        return
    with locked_if_free(shared.with_name(f"{shared.name}.lock")) as lock:
        yield ["-o", "ControlMaster=no"] if lock is None else []


def close_master(config: Path, node: str) -> list[str]:
    """Return the arguments that end the shared connection to `node`."""
    return [*with_a_name(), "ssh", "-F", str(config), "-O", "exit", node]
