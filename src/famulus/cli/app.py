# SPDX-License-Identifier: GPL-2.0-or-later
"""The Typer application, command and group that every verb is made with.

Their `--help` shows no type for an option that takes no value; newer versions of Typer show
`<bool>` there.
"""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A verb, or a subcommand of a verb."""

    def get_params(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - of click's classes
        """Return the parameters, `--help` included."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """A verb that has subcommands."""

    def get_params(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - of click's classes
        """Return the parameters, `--help` included."""
        return _without_types(super().get_params(ctx))


class App(typer.Typer):
    """A Typer application without completion of its own, whose texts are Markdown."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own words
        super().__init__(
            **{"cls": Group, "add_completion": False, "rich_markup_mode": "markdown", **settings}
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401
        """Return the decorator that registers a function as a command."""
        return super().command(name, **{"cls": Command, **settings})


def _without_types(params: Any) -> Any:  # noqa: ANN401 - click's classes, of which Typer has a copy
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
    return params
