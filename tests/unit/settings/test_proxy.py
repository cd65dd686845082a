# SPDX-License-Identifier: GPL-2.0-or-later
"""Proxies' URLs: as the environment writes them, as a node needs them."""

from ipaddress import IPv4Address

import pytest

from famulus.settings import proxy

HOST = IPv4Address("192.168.42.254")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("proxy:3128", "http://proxy:3128"),
        (" http://proxy:3128/ ", "http://proxy:3128"),
        ("https://u:p@proxy", "https://u:p@proxy"),
        ('http://a"b c:1', "http://a%22b%20c:1"),
    ],
)
def test_a_proxy_may_be_written_as_for_other_programs(text: str, url: str) -> None:
    assert proxy.normalised(text) == url
    assert proxy.normalised(url) == url


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://127.0.0.1:3128", "http://192.168.42.254:3128"),
        ("http://localhost", "http://192.168.42.254"),
        ("http://[::1]:8080", "http://192.168.42.254:8080"),
        ("http://ann:secret@127.0.0.9:3128", "http://ann:secret@192.168.42.254:3128"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("http://[::1", "http://[::1"),
        ("http://localhost:x", "http://localhost:x"),
        ("", ""),
    ],
)
def test_a_node_reaches_a_loopback_proxy_at_the_hosts_address(url: str, seen: str) -> None:
    assert proxy.from_node(url, HOST) == seen


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://localhost:3128", 3128),
        ("http://127.0.0.1", 80),
        ("https://127.0.0.1", 443),
        ("http://proxy:3128", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_the_port_of_a_loopback_proxy(url: str, port: int | None) -> None:
    assert proxy.loopback_port(url) == port


def test_apt_reads_the_proxy() -> None:
    assert proxy.apt_configuration("http://p:1") == 'Acquire::http::Proxy "http://p:1";\n'
    assert proxy.apt_configuration("").startswith("#")
