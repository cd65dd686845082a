# SPDX-License-Identifier: GPL-2.0-or-later
"""Documents that are longer than a few lines: filled-in templates of the folder `documents`."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def render(document: str, /, **values: object) -> str:
    """Return `document` with `values` filled in; in XML they are escaped.

    A value that the document names and that is not given is an error, never an empty word.
    """
    return _environment().get_template(document + ".j2").render(**values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("famulus", "documents"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["xml.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
