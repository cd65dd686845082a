# SPDX-License-Identifier: GPL-2.0-or-later
"""Read a TOML file of settings, which users write."""

import os
import stat
import tomllib
from pathlib import Path

from famulus.base.errors import UsageError
from famulus.base.files import without_wait

_KINDS = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def read_file(path: Path) -> dict[str, object]:
    """Return the settings in the TOML file `path`, with or without a byte order mark.

    Raises UsageError if the file is broken, is missing or is no regular file: only a regular file
    can be read twice.
    """
    try:
        return tomllib.loads(_bytes(path).decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise _invalid(
            path, f"{error.reason} at byte {error.start}", "Save it as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise _invalid(path, str(error)) from error
    except ValueError as error:  # int() refuses a text of thousands of digits
        raise _invalid(path, "a number has too many digits") from error
    except RecursionError as error:
        raise _invalid(path, "its lists or tables are nested too deeply") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint=_about_link(path)) from error


def _bytes(path: Path) -> bytes:
    with open(path, "rb", opener=without_wait) as file:
        kind = stat.S_IFMT(os.fstat(file.fileno()).st_mode)
        if kind != stat.S_IFREG:
            raise UsageError(f"{path} is {_KINDS[kind]}, not a file of settings")
        return file.read()


def _about_link(path: Path) -> str:
    return f"{path} is a link to {path.readlink()}." if path.is_symlink() else ""


def _invalid(path: Path, reason: str, hint: str = "") -> UsageError:
    return UsageError(f"{path} is not valid TOML: {reason}", hint=hint)
