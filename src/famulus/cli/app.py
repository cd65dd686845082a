# SPDX-License-Identifier: GPL-2.0-or-later
"""The Typer application, command and group that every verb is made with.

Their `--help` shows no type for an option that takes no value; newer versions of Typer show
`<bool>` there. A default stands in the help text, as in the texts of settings: `(default 300)`.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A verb, or a subcommand of a verb."""

    further = ""  # in the usage line: the words of another program that follow

    def get_params(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - of click's classes
        """Return the parameters, `--help` included."""
        return _described(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the words of the usage line behind the command's name."""
        return [*super().collect_usage_pieces(ctx), *filter(None, [self.further])]


class Group(TyperGroup):
    """A verb that has subcommands."""

    def get_params(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - of click's classes
        """Return the parameters, `--help` included."""
        return _described(super().get_params(ctx))


class App(typer.Typer):
    """A Typer application without completion of its own, whose texts are Markdown."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own words
        super().__init__(
            **{"cls": Group, "add_completion": False, "rich_markup_mode": "markdown", **settings}
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401
        """Return the decorator that registers a function as a command."""
        return super().command(name, **{"cls": Command, **settings})

    def command_with_words(self, name: str, further: str) -> Callable[..., Any]:
        """Return the decorator of a command that passes further words on, options included.

        `further` stands for these words in the usage line.
        """
        return self.command(
            name,
            cls=type("Command", (Command,), {"further": further}),
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        )


def _described(params: Any) -> Any:  # noqa: ANN401 - click's classes, of which Typer has a copy
    """Return `params` without the type of flags, and with the defaults in the help texts."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = param.metavar or ""
        elif param.help and param.show_default and param.default not in (None, ()):
            param.help = f"{param.help.removesuffix('.')} (default {_shown(param.default)})."
            param.show_default = False
    return params


def _shown(default: object) -> str:
    if isinstance(default, Enum):
        default = default.value
    return f"{default:g}" if isinstance(default, float) else str(default)
