# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents for a node or the host."""

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from famulus.settings.identity import Identity
from famulus.transport import ssh
from famulus.transport.agent import GuestFile, identity_request

SUBNET = IPv4Network("192.168.42.0/24")
ONE, TWO = Identity(1, SUBNET), Identity(2, SUBNET)


def test_identity_request_has_lengths_in_bytes() -> None:
    request = identity_request(ONE, "0" * 32, [GuestFile("/etc/x", "é\n", 0o600, 1, 2)])
    entropy, _, rest = request.decode().partition("\n")
    assert re.fullmatch("entropy [0-9a-f]{64}", entropy)
    assert rest == (
        "hostname fabric1\n"
        f"machine-id {'0' * 32}\n"
        "link eth0 52:54:48:50:45:01 192.168.42.1 24 192.168.42.254\n"
        "file 0600 1 2 3 /etc/x\né\n\n"
    )


def test_known_hosts_with_and_without_addresses() -> None:
    keys = {ONE: "ssh-ed25519 A", TWO: "ssh-ed25519 B"}
    assert (
        ssh.known_hosts(keys, by_address=False) == "fabric1 ssh-ed25519 A\nfabric2 ssh-ed25519 B\n"
    )
    assert ssh.known_hosts(keys, by_address=True).startswith("fabric1,192.168.42.1 ssh-ed25519 A\n")


def test_client_config_quotes_paths_and_percent_signs() -> None:
    config = ssh.client_config(Path("/a b/50%"), Path("/s"), {2: ("h", 42002), 1: ("h", 42001)})
    assert '    IdentityFile "/a b/50%%/id_ed25519"\n' in config
    assert '    ControlPath "/s/ssh-%r-%n"\n' in config
    assert (
        config.index("Host fabric1\n")
        < config.index("Host fabric2\n")
        < config.index("Host fabric1 fabric2\n    User fabric\n")
    )


def test_configurations_name_nodes_and_no_other_host() -> None:
    config = ssh.client_config(Path("/f"), Path("/s"), {10: ("h", 42010), 1: ("h", 42001)})
    named = {
        word for line in re.findall("^Host (.*)$", config, re.MULTILINE) for word in line.split()
    }
    assert named == {"fabric1", "fabric10"}
    assert '#     Include "/f/ssh_config"\n' in config
    assert ssh.node_config([2, 1]).startswith("Host fabric1 fabric2\n")


def test_client_config_names_files_with_characters_that_ssh_reads_specially() -> None:
    config = ssh.client_config(Path('/%r/a"b\\c'), Path('/"%n"'), {1: ("h", 42001)})
    assert '    IdentityFile "/%%r/a\\"b\\\\c/id_ed25519"\n' in config
    assert '    ControlPath "/\\"%%n\\"/ssh-%r-%n"\n' in config


def test_login_and_copy_arguments() -> None:
    config = Path("/c")
    assert ssh.login(config, "fabric1", None, [], tty=False) == ["ssh", "-F", "/c", "fabric1"]
    assert ssh.login(config, "fabric1", "root", ["ls", "-l"], tty=True) == [
        "ssh", "-F", "/c", "-l", "root", "-t", "fabric1", "--", "ls", "-l",
    ]  # fmt: skip
    assert ssh.login(config, "fabric1", None, ["ls"], tty=False, options=["-n"]) == [
        "ssh", "-F", "/c", "-n", "fabric1", "--", "ls",
    ]  # fmt: skip
    assert ssh.copy(config, ["a", "fabric1:b"], recursive=True) == [
        "scp", "-F", "/c", "-r", "--", "a", "fabric1:b",
    ]  # fmt: skip


def test_ssh_runs_in_a_user_namespace_for_a_user_without_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.base.user.name_of", lambda _: None)
    before = ["unshare", "--user", "--map-root-user", "--"]
    config = Path("/c")
    for argv in (
        ssh.login(config, "fabric1", None, [], tty=False),
        ssh.copy(config, ["a", "fabric1:b"], recursive=False),
        ssh.close_master(config, "fabric1"),
    ):
        assert argv[:4] == before
        assert argv[4] in ("ssh", "scp")


def test_a_single_ssh_at_a_time_opens_the_shared_connection(tmp_path: Path) -> None:
    own = ["-o", "ControlMaster=no"]
    with ssh.sharing(tmp_path, "fabric1", None) as first:
        assert first == []
        with ssh.sharing(tmp_path, "fabric1", None) as second:
            assert second == own
        with ssh.sharing(tmp_path, "fabric1", "root") as other:
            assert other == []
        (tmp_path / "ssh-fabric-fabric1").touch()
        with ssh.sharing(tmp_path, "fabric1", None) as third:
            assert third == []
    (tmp_path / "ssh-fabric-fabric1").unlink()
    with ssh.sharing(tmp_path, "fabric1", None) as last:
        assert last == []
