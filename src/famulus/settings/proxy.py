# SPDX-License-Identifier: GPL-2.0-or-later
"""URLs of HTTP proxies, as users and their environments write them. Pure.

Other programs set http_proxy, too: a value that only a build or a node's apt may need is never a
reason to refuse a command.
"""

import re
from ipaddress import IPv4Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

_NAMES = frozenset(("localhost", "ip6-localhost", "ip6-loopback"))
_NEVER_IN_URLS = re.compile(r"[^\x21-\x7e]|[\"'\\<>`]")


def normalised(text: str) -> str:
    """Return the URL that `text` means: curl and wget take `host:port` for an HTTP proxy."""
    url = _NEVER_IN_URLS.sub(lambda found: quote(found[0]), text.strip()).rstrip("/")
    return url if "://" in url or not url else f"http://{url}"


def from_node(url: str, host: IPv4Address) -> str:
    """Return the URL by which a node reaches the proxy at `url`; `host` is the host's address.

    A loopback address means the host, which a node knows by `host`.
    """
    parts = _split(url)
    if parts is None or not _is_loopback(parts.hostname or ""):
        return url
    user, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{user}{at}{host}{port}").geturl()


def apt_configuration(url: str) -> str:
    """Return apt.conf(5) for the proxy at `url`, or a comment if there is no proxy."""
    return f'Acquire::http::Proxy "{url}";\n' if url else "# no proxy\n"


def loopback_port(url: str) -> int | None:
    """Return the port of the proxy at `url` if the proxy listens on loopback, else None."""
    parts = _split(url)
    if parts is None or not _is_loopback(parts.hostname or ""):
        return None
    return parts.port or {"https": 443}.get(parts.scheme, 80)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is no number
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in _NAMES
