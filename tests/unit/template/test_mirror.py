# SPDX-License-Identifier: GPL-2.0-or-later
"""check_mirror against small mirrors on this machine."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from famulus.base import waiting
from famulus.base.errors import FamulusError, Interrupted
from famulus.settings.spec import FabricSpec
from famulus.template import mirror
from famulus.template.recipe import Recipe

HOUR = 3600.0  # seconds
HINT = "Choose another mirror with --mirror (or MIRROR), a proxy with --proxy (or PROXY)."


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(mirror, "_BETWEEN", 0.01)


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve HTTP by `answer` on a free port, and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def talking(first: bytes) -> Iterator[str]:
    """Serve a socket that says `first` to everybody and then nothing more."""
    taken: list[socket.socket] = []

    def serve() -> None:
        try:
            while True:
                taken.append(listener.accept()[0])
                taken[-1].sendall(first)
        except OSError:
            return

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()


def has_only_trixie(request: BaseHTTPRequestHandler) -> None:
    found = request.path == "/debian/dists/trixie/InRelease"
    request.send_response(200 if found else 404)
    request.end_headers()
    request.wfile.write(b"-----BEGIN PGP SIGNED MESSAGE-----\n")


def refused_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def ask(url: str, *, proxy: str = "", suite: str = "trixie") -> None:
    recipe = Recipe.from_spec(FabricSpec(suite=suite))
    mirror.check_mirror(replace(recipe, mirror=url), proxy)


def error(url: str, *, proxy: str = "", suite: str = "trixie") -> FamulusError:
    with pytest.raises(FamulusError) as caught:
        ask(url, proxy=proxy, suite=suite)
    return caught.value


def test_a_mirror_with_the_suite_passes():
    with serving(has_only_trixie) as url:
        ask(f"{url}/debian")


def test_a_passing_error_is_retried():
    answers = [500, 503]

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_error(answers.pop()) if answers else has_only_trixie(request)

    with serving(answer) as url:
        ask(f"{url}/debian")
    assert answers == []


def test_a_missing_suite_is_named():
    with serving(has_only_trixie) as url:
        caught = error(f"{url}/debian", suite="sid")
    assert caught.brief == f"the mirror {url}/debian has no suite 'sid'"
    assert caught.hint == f"The usual ones are trixie and bookworm. {HINT}"


@pytest.mark.parametrize("code", [403, 500, 503])
def test_an_http_error_is_named(code):
    with serving(lambda request: request.send_error(code)) as url:
        caught = error(url)
    assert (caught.brief, caught.hint) == (f"the mirror {url} answers with HTTP {code}", HINT)


def test_a_refused_connection_is_named():
    url = f"http://127.0.0.1:{refused_port()}"
    caught = error(url)
    assert (caught.brief, caught.hint) == (f"the mirror {url} refuses the connection", HINT)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n"])
def test_a_mirror_that_hangs_is_named(monkeypatch, first):
    monkeypatch.setattr(mirror, "_TIMEOUT", 0.3)
    monkeypatch.setattr(mirror, "_ALL_TIMEOUT", HOUR)
    with talking(first) as url:
        caught = error(url)
    assert (caught.brief, caught.hint) == (f"the mirror {url} does not answer within 0.3 s", HINT)


def test_a_name_resolution_that_hangs_ends_in_a_timeout(monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(mirror, "_ALL_TIMEOUT", 0.2)
    monkeypatch.setattr(mirror, "_ask", lambda *_: end.wait(HOUR))
    caught = error("http://mirror.example/debian")
    end.set()
    brief = "waited 0.2 s in vain for an answer from the mirror http://mirror.example/debian"
    assert (caught.brief, caught.hint) == (brief, HINT)


def test_an_interrupt_ends_the_wait_for_a_mirror(monkeypatch):
    monkeypatch.setattr(mirror, "_TIMEOUT", HOUR)
    monkeypatch.setattr(mirror, "_ALL_TIMEOUT", HOUR)
    with talking(b"") as url:
        timer = threading.Timer(0.2, waiting.interrupt, [2])
        timer.start()
        with pytest.raises(Interrupted):
            ask(url)
        timer.join()


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\0\xff\r\n\r\n"])
def test_a_server_without_http_is_named(garbage):
    with talking(garbage) as url:
        caught = error(url)
    assert caught.brief.startswith(f"the mirror {url} cannot be reached: ")
    assert caught.hint == HINT


def test_an_unknown_name_is_named(monkeypatch):
    def unknown(*_words: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    caught = error("http://no-such-mirror.invalid/debian")
    assert caught.brief.startswith("the mirror http://no-such-mirror.invalid/debian cannot be ")
    assert caught.hint == HINT


@pytest.mark.parametrize("url", ["http://a:b/debian", "http://[::1/debian", "http://" + "a" * 70])
def test_a_bad_address_is_named(url):
    assert error(url).brief.startswith(f"the mirror {url} cannot be reached: ")


def test_a_proxy_is_asked():
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_response(200)
        request.end_headers()

    with serving(answer) as proxy:
        ask("http://no-such-mirror.invalid/debian", proxy=proxy)
    assert asked == ["http://no-such-mirror.invalid/debian/dists/trixie/InRelease"]


def test_a_proxy_that_refuses_is_named():
    proxy = f"http://127.0.0.1:{refused_port()}"
    caught = error("http://mirror.example/debian", proxy=proxy)
    assert caught.brief == (
        f"the mirror http://mirror.example/debian refuses the connection through the proxy {proxy}"
    )
    assert caught.hint == HINT


def test_a_proxy_counts_only_if_the_spec_has_it(monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{refused_port()}")
    with serving(has_only_trixie) as url:
        ask(f"{url}/debian")


def test_a_password_of_a_proxy_is_not_shown():
    port = refused_port()
    caught = error("http://mirror.example/debian", proxy=f"http://ann:secret@127.0.0.1:{port}")
    assert f"through the proxy http://ann:***@127.0.0.1:{port}" in caught.brief


def test_a_mirror_that_needs_no_proxy_is_asked_directly(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(has_only_trixie) as url:
        ask(f"{url}/debian", proxy=f"http://127.0.0.1:{refused_port()}")


def test_a_folder_can_be_a_mirror(tmp_path):
    release = tmp_path / "dists/trixie/InRelease"
    release.parent.mkdir(parents=True)
    release.write_text("x")
    ask(f"file://{tmp_path}")
    missing = error(f"file://{tmp_path}", suite="sid")
    assert missing.brief == f"the mirror file://{tmp_path} has no suite 'sid'"
