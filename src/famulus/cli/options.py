# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of the command line that are made from the definitions of settings."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from famulus.settings.setting import Definition, definitions
from famulus.settings.spec import FabricSpec

F = TypeVar("F", bound=Callable[..., None])

_TYPES = (bool, Path)  # that typer knows; any other value is text, which the model reads


def takes_settings(
    *names: str, model: type[BaseModel] = FabricSpec, grouped: bool = False
) -> Callable[[F], F]:
    """Return a decorator that gives a verb's function an option for each setting in `names`.

    Without `names`, the function gets the options of all settings of `model` that have an option.
    The function takes the values as `**settings`, None where an option is not given. If `grouped`,
    `--help` shows the options in the settings' groups.
    """

    def decorate(function: F) -> F:
        known = definitions(model)
        chosen = names or [name for name, found in known.items() if found.setting.option]
        _add(function, [_parameter(known[name], grouped=grouped) for name in chosen])
        return function

    return decorate


def help_of(name: str) -> str:
    """Return the help text of the setting `name`, with its bounds, for an argument."""
    definition = definitions(FabricSpec)[name]
    return f"{definition.setting.help}: {definition.expected}."


def _add(function: Callable[..., None], parameters: Sequence[inspect.Parameter]) -> None:
    """Put `parameters` in the place of `**settings`. Typer reads signature and annotations."""
    signature = inspect.signature(function)
    *own, _settings = signature.parameters.values()
    function.__signature__ = signature.replace(parameters=[*own, *parameters])  # type: ignore[attr-defined]
    del function.__annotations__["settings"]
    function.__annotations__.update({added.name: added.annotation for added in parameters})


def _parameter(definition: Definition, *, grouped: bool) -> inspect.Parameter:
    value = definition.type if definition.type in _TYPES else str
    return inspect.Parameter(
        definition.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[value | None, _option(definition, grouped=grouped)],
    )


def _option(definition: Definition, *, grouped: bool) -> Any:  # noqa: ANN401 - typer's own word
    return typer.Option(
        option_name(definition),
        help=_help(definition),
        metavar=definition.metavar,
        show_default=False,
        rich_help_panel=definition.setting.group.value if grouped else None,
    )


def option_name(definition: Definition) -> str:
    """Return the option's name: `--memory`, or both names, `--check/--no-check`."""
    name = definition.name.replace("_", "-")
    if definition.type is not bool:
        return f"--{name}"
    return f"--{name}/--{definition.setting.off or f'no-{name}'}"


def _help(definition: Definition) -> str:
    """Return the help text: the setting's own, the default, and further variables."""
    default = definition.default_text
    shown = f" (default {default})" if default else ""
    also = (
        f" Also {', '.join(definition.setting.variables)}." if definition.setting.variables else ""
    )
    return f"{definition.setting.help}{shown}.{also}"
