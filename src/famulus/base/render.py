# SPDX-License-Identifier: GPL-2.0-or-later
"""Fill in the templates of longer documents, from the folders `documents`."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def render(document: str, /, **values: object) -> str:
    """Return `document` with `values` filled in; in XML the values are escaped.

    A value that the document names and the caller does not give raises jinja2's UndefinedError.
    """
    return _environment().get_template(document + ".j2").render(**values)


@cache
def _environment() -> "Environment":
    # Most commands render nothing, and jinja2's import takes longer than many commands.
    from jinja2 import (  # noqa: PLC0415
        Environment,
        PackageLoader,
        StrictUndefined,
        select_autoescape,
    )

    return Environment(
        loader=PackageLoader("famulus", ""),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["xml.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
