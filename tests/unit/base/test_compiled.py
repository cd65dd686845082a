# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compiled once, whoever asks for it at the same time."""

from concurrent.futures import ThreadPoolExecutor

from famulus.base.compiled import Programs, ensure


def test_threads_that_need_it_at_once_all_have_it(tmp_path):
    source = tmp_path / "one.c"
    source.write_text("int main(void) { return 0; }\n")

    def commands(folder):
        return [["gcc", "-o", str(folder / "one"), str(source)]]

    programs = Programs("a program", ("-O2",), (source,), commands)
    root = tmp_path / "root"
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(lambda _: ensure(root, programs), range(8)))
    (folder,) = folders
    assert list(root.iterdir()) == [folder]
    assert (folder / "one").exists()
