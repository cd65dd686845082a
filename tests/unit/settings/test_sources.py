# SPDX-License-Identifier: GPL-2.0-or-later
"""The ranks of the sources of settings, and the messages about wrong values."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from famulus.base.errors import UsageError
from famulus.base.units import GIB, MIB
from famulus.settings.sources import load_spec
from famulus.settings.spec import FabricSpec


def load(
    flags: Mapping[str, object] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    file: Path | None = None,
    remembered: Mapping[str, object] | None = None,
) -> FabricSpec:
    return load_spec(flags or {}, env=env or {}, file=file, remembered=remembered)


def refusal(**kwargs: Any) -> str:
    """Return brief, details and hint of the error."""
    with pytest.raises(UsageError) as caught:
        load(**kwargs)
    error = caught.value
    assert error.exit_code == 2
    return f"{error.brief}\n{error.details}\n{error.hint}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """A home without the ~/.wgetrc of the user who runs the tests."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def toml(tmp_path):
    def write(text: str) -> Path:
        path: Path = tmp_path / "fabric.toml"
        path.write_text(text)
        return path

    return write


def test_defaults():
    spec = load()
    assert (spec.nodes, spec.memory, spec.cpus, spec.pool) == (1, 512 * MIB, 1, GIB)
    assert (spec.suite, spec.kernel, spec.accel) == ("trixie", "cloud", "auto")


def test_caches_need_translated_code():
    assert load({"coherence": "none"}).accelerator == "tcg"
    assert load({"coherence": "full"}).accelerator == "auto"
    assert load({"cache": "32K"}).cache == 32 * 1024
    assert "must be 0 (no bound), or a size from 64" in refusal(flags={"cache": "100"})
    assert load({"watch": "true"}).accelerator == "tcg"
    assert "must be true or false" in refusal(flags={"watch": "some"})
    assert "must be full or none" in refusal(flags={"coherence": "some"})


def test_flag_over_environment_over_file_over_remembered_over_default(toml):
    words: dict[str, Any] = {"remembered": {"nodes": 2}}
    assert load(**words).nodes == 2
    words["file"] = toml("nodes = 3")
    assert load(**words).nodes == 3
    words["env"] = {"FAMULUS_NODES": "4"}
    assert load(**words).nodes == 4
    words["flags"] = {"nodes": 5}
    assert load(**words).nodes == 5
    words["flags"] = {"nodes": None}
    assert load(**words).nodes == 4


def test_variables_of_famulus_win_over_those_of_2016():
    assert load(env={"MIRROR": "http://a/debian/"}).mirror == "http://a/debian"
    env = {"MIRROR": "http://a/debian", "FAMULUS_MIRROR": "http://b/debian"}
    assert load(env=env).mirror == "http://b/debian"
    assert load(env={"http_proxy": "http://p:1"}).proxy == "http://p:1"
    assert load(env={"http_proxy": "http://p:1", "PROXY": "http://q:2"}).proxy == "http://q:2"


def test_an_empty_variable_of_famulus_switches_a_proxy_off(toml):
    env = {"FAMULUS_PROXY": "", "PROXY": "http://q:2", "http_proxy": "http://p:1"}
    file = toml('proxy = "http://r:3"')
    assert load(env=env, file=file, remembered={"proxy": "http://s:4"}).proxy == ""
    assert load(env={"PROXY": ""}, file=file).proxy == "http://r:3"


@pytest.mark.parametrize("text", ["proxy:3128", " http://proxy:3128/ ", 'x"y', "::", "a b"])
def test_no_proxy_of_the_environment_is_a_reason_to_refuse_a_command(text):
    proxy = load(env={"http_proxy": text}).proxy
    assert proxy.startswith("http://")
    assert not {'"', " "} & set(proxy)


def test_empty_variable_counts_as_not_given():
    assert load(env={"FAMULUS_NODES": "", "MIRROR": ""}) == load()


def test_packages_in_the_environment_are_separated_by_spaces():
    assert load(env={"FAMULUS_PACKAGES": "vim  gdb vim"}).packages == ("gdb", "vim")


def test_stored_spec_is_read_back():
    spec = load(
        {"pool": "4G", "memory": "1G", "nodes": 7, "pool_file": "/p", "subnet": "10.1.2.0/24"}
    )
    assert load(remembered=spec.model_dump(mode="json")) == spec
    assert load(remembered=spec.model_dump(exclude_defaults=True)) == spec


def test_path_in_a_file_counts_from_the_file(toml, tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    toml('pool_file = "data/pool.bin"')
    assert load(file=Path("../fabric.toml")).pool_file == tmp_path / "data/pool.bin"
    assert load(file=tmp_path / "fabric.toml").pool_file == tmp_path / "data/pool.bin"
    assert load(file=toml('pool_file = "/p"')).pool_file == Path("/p")


def test_path_in_a_file_may_begin_with_the_home(toml, home):
    assert load(file=toml('pool_file = "~/p"')).pool_file == home / "p"


def test_path_from_elsewhere_counts_from_the_current_folder(toml, tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    file = toml('pool_file = "in-file"')
    for words in ({"flags": {"pool_file": "p"}}, {"env": {"FAMULUS_POOL_FILE": "p"}}):
        assert load(file=file, **words).pool_file == tmp_path / "below/p"


def test_empty_path_means_the_default_place(toml):
    file = toml('pool_file = ""')
    assert load(file=file, remembered={"pool_file": "/p"}).pool_file is None
    assert load({"pool_file": ""}, env={"FAMULUS_POOL_FILE": "/p"}).pool_file is None


def test_path_has_one_spelling(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path / "link")
    for spelling in ("p", "../link/p", "../real/p", str(tmp_path / "link/p")):
        assert load({"pool_file": spelling}).pool_file == tmp_path / "real/p"
    assert load({"pool_file": "../loop/p"}).pool_file == tmp_path / "loop/p"


@pytest.mark.parametrize("value", ["3", "[1]", "true"])
def test_path_that_is_no_text_is_refused(toml, value):
    assert "pool_file: must be a path" in refusal(file=toml(f"pool_file = {value}"))


def test_spec_cannot_be_changed():
    with pytest.raises(ValidationError):
        setattr(load(), "nodes", 3)  # noqa: B010


@pytest.mark.parametrize("nodes", [0, 65, -1, "four", "1.5", 2.5, True, [3]])
def test_wrong_number_of_nodes_is_refused(nodes):
    text = refusal(flags={"nodes": nodes})
    assert text.startswith("nodes: ")
    assert "1 to 64" in text
    assert "the command line" in text


@pytest.mark.parametrize("size", ["1.5G", "four", "-1", ""])
def test_text_that_is_no_size_is_refused(size):
    text = refusal(flags={"pool": size})
    assert text.startswith("pool: ")
    assert f"not '{size}'" in text
    assert "such as 64M, 1G or 4G" in text


@pytest.mark.parametrize("size", ["48M", "3G", "0", "9999T", "32M", "2T", -1, 100])
def test_wrong_pool_size_is_refused(size):
    text = refusal(flags={"pool": size})
    assert text.startswith("pool: ")
    assert "power of two" in text
    assert "64M" in text
    assert "1T" in text


@pytest.mark.parametrize("size", ["64M", "1T", 1 << 30])
def test_right_pool_size_is_taken(size):
    assert load({"pool": size}).pool >= 64 * MIB


@pytest.mark.parametrize("size", ["0", "191M", "9999T"])
def test_wrong_memory_is_refused(size):
    text = refusal(env={"FAMULUS_MEMORY": size})
    assert text.startswith("memory: ")
    assert "192M to 256G" in text
    assert size in text
    assert "FAMULUS_MEMORY" in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("nodez = 3", ["nodez", "no such setting", "nodes"]),
        ("nodes = 'x'", ["nodes", "whole number from 1 to 64, not 'x'"]),
        ("nodes = [1]", ["nodes", "whole number"]),
        ("cpus = 0", ["cpus", "1 to 64"]),
        ("suite = 3", ["suite", "Debian suite", "not 3"]),
        ("suite = 'Trixie!'", ["suite", "trixie or bookworm"]),
        ("kernel = 'fast'", ["kernel", "cloud or generic", "not 'fast'"]),
        ("accel = 'hvf'", ["accel", "auto, kvm or tcg"]),
        ("packages = 'vim'", ["packages", "list"]),
        ("packages = ['vim', 3]", ["packages", "names"]),
        ("packages = ['Vi m']", ["packages", "list of Debian packages", "Vi m"]),
        ("pool = 1.5", ["pool", "power of two", "not 1.5"]),
        ("pool = true", ["pool", "power of two"]),
        ("memory = []", ["memory", "size"]),
        ("mirror = 'ftp:x'", ["mirror", "must be a URL, such as"]),
        ("mirror = ''", ["mirror", "must be a URL, such as"]),
        ("subnet = '10.0.0.0/8'", ["subnet", "private /24"]),
        ("subnet = '8.8.8.0/24'", ["subnet", "private /24"]),
        ("subnet = 'home'", ["subnet", "'home'"]),
        ("ssh_port = 22", ["ssh_port", "1024 to 65535"]),
        ("root_password = ''", ["root_password", "empty"]),
        ('fabric_password = "a\\nb"', ["fabric_password", "one line"]),
    ],
)
def test_wrong_value_in_a_file_is_refused_with_the_right_ones(toml, settings, words):
    path = toml(settings)
    text = refusal(file=path)
    for word in [*words, str(path)]:
        assert word in text


def test_a_password_is_not_repeated(toml):
    assert "hunter" not in refusal(file=toml('root_password = "hunter\\u0001"'))
    assert "hunter" not in refusal(file=toml('root_password = ["hunter"]'))


@pytest.mark.parametrize("key", ["nodes", "accel", "check", "pool", "pool_file", "packages"])
def test_text_that_is_not_utf8_is_refused(key):
    value = os.fsdecode(b"a\xff")
    for words in ({"flags": {key: value}}, {"env": {f"FAMULUS_{key.upper()}": value}}):
        text = refusal(**words)
        assert f"{key}: must be" in text
        assert "\\udcff" in text


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "1" * 5000])
def test_number_of_too_many_digits_is_refused(toml, number):
    assert "too many digits" in refusal(file=toml(f"seed = {number}"))


def test_number_that_no_text_can_show_is_refused(toml):
    assert "seed: must be" in refusal(file=toml(f"seed = 0x{'f' * 5000}"))


def test_wgetrc_that_is_a_pipe_is_not_read(home):
    os.mkfifo(home / ".wgetrc")
    assert load().nodes == 1


def test_every_mistake_has_a_line(toml):
    text = refusal(file=toml("nodes = 0\ncpus = 0\nwhat = 1"), flags={"accel": "x"})
    for word in ("nodes", "cpus", "what", "accel"):
        assert f"{word}: " in text


@pytest.mark.parametrize("text", ["nodes = ", "[[[", "nodes = 1\nnodes = 2"])
def test_broken_toml_is_refused_with_its_place(toml, text):
    path = toml(text)
    answer = refusal(file=path)
    assert str(path) in answer
    assert "not valid TOML" in answer
    assert "(at " in answer


def test_a_file_may_begin_with_a_byte_order_mark(toml):
    path = toml("")
    path.write_bytes(b"\xef\xbb\xbfnodes = 3\r\ncpus = 2\r\n")
    spec = load(file=path)
    assert (spec.nodes, spec.cpus) == (3, 2)


def test_unreadable_file_is_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    answer = refusal(file=tmp_path / "binary")
    assert "not valid TOML" in answer
    assert "UTF-8" in answer
    assert "No such file" in refusal(file=tmp_path / "none")


def test_only_a_regular_file_has_settings(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    assert "Is a directory" in refusal(file=tmp_path)
    assert "is a device" in refusal(file=Path("/dev/zero"))
    assert "is a pipe" in refusal(file=tmp_path / "pipe")
    assert "is a link to gone" in refusal(file=tmp_path / "link")
    assert "cannot read" in refusal(file=tmp_path / "loop")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "{a=" * 5000, "[" * 5000])
def test_deeply_nested_settings_are_refused(toml, text):
    assert "not valid TOML" in refusal(file=toml(text))


@pytest.mark.parametrize("path", ["a\nb", "a\x00b", os.fsdecode(b"\xff")])
def test_a_path_that_is_no_text_is_refused(path):
    text = refusal(flags={"pool_file": f"/{path}"})
    assert text.startswith("pool_file: must be a path, not ")
    text.encode()


def test_proxy_of_wgetrc_has_the_lowest_rank(home):
    (home / ".wgetrc").write_text(
        "# http_proxy = http://no\nuse_proxy = on\nhttp_proxy = http://p:1\n"
    )
    assert load().proxy == "http://p:1"
    assert load(env={"PROXY": "http://q:2"}).proxy == "http://q:2"
    (home / ".wgetrc").write_text("use_proxy = off\n")
    assert load().proxy == ""
