# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask the mirror for the suite before a build, which would fail only after minutes."""

import socket
import threading
import time

from famulus.base.errors import FamulusError
from famulus.base.redact import without_passwords
from famulus.base.waiting import wait_until
from famulus.template.recipe import Recipe

_TIMEOUT = 10.0  # seconds of a try, and until the last try may begin
_ALL_TIMEOUT = 2 * _TIMEOUT
_TRIES, _BETWEEN = 3, 1.0  # seconds
_NOT_FOUND, _SERVER_ERROR = 404, 500
_ANOTHER = "Choose another mirror with --mirror (or MIRROR), a proxy with --proxy (or PROXY)."


class _PassingError(FamulusError):
    """An error that a retry may cure: of the server, of name resolution, of the connection."""


def check_mirror(recipe: Recipe, proxy: str) -> None:
    """Raise FamulusError if the mirror refuses, hangs, is unknown, or lacks the suite.

    The mirror is asked through the proxy at the URL `proxy`, unless that is empty or the variable
    no_proxy has the mirror's host.
    """
    answers: list[FamulusError | None] = []
    # In a thread, because no interrupt ends the resolution of a name.
    ask = threading.Thread(target=lambda: answers.append(_ask_often(recipe, proxy)), daemon=True)
    ask.start()
    wait_until(
        f"an answer from the mirror {recipe.mirror}",
        lambda: bool(answers),
        timeout=_ALL_TIMEOUT,
        hint=_ANOTHER,
    )
    if answers[0]:
        raise answers[0]


def _ask_often(recipe: Recipe, proxy: str) -> FamulusError | None:
    start = time.monotonic()
    for _ in range(_TRIES - 1):
        error = _ask(recipe, proxy)
        is_late = time.monotonic() - start > _TIMEOUT - _BETWEEN
        if is_late or not isinstance(error, _PassingError):
            return error
        time.sleep(_BETWEEN)
    return _ask(recipe, proxy)


def _ask(recipe: Recipe, proxy: str) -> FamulusError | None:
    # A template needs these modules once; their import takes 5 % of the time of a command.
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    url = f"{recipe.mirror}/dists/{recipe.suite}/InRelease"
    proxies = {"http": proxy, "https": proxy} if proxy else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        with opener.open(url, timeout=_TIMEOUT) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        return _refused(recipe, error.code)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _unreachable(recipe, error, proxy)
    return None


def _refused(recipe: Recipe, code: int) -> FamulusError:
    if code == _NOT_FOUND:
        return FamulusError(
            f"the mirror {recipe.mirror} has no suite '{recipe.suite}'",
            hint=f"The usual ones are trixie and bookworm. {_ANOTHER}",
        )
    kind = _PassingError if code >= _SERVER_ERROR else FamulusError
    return kind(f"the mirror {recipe.mirror} answers with HTTP {code}", hint=_ANOTHER)


def _unreachable(recipe: Recipe, error: Exception, proxy: str) -> FamulusError:
    reason = getattr(error, "reason", error)
    kind = FamulusError
    if isinstance(reason, FileNotFoundError):
        return _refused(recipe, _NOT_FOUND)
    if isinstance(reason, TimeoutError | socket.timeout):
        how = f"does not answer within {_TIMEOUT:g} s"
    elif isinstance(reason, ConnectionRefusedError):
        how = "refuses the connection"
    else:
        kind = _PassingError
        how = f"cannot be reached: {getattr(reason, 'strerror', None) or reason}"
    where = f" through the proxy {without_passwords(proxy)}" if proxy else ""
    return kind(f"the mirror {recipe.mirror} {how}{where}", hint=_ANOTHER)
