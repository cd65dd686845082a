# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages about settings that are wrong by themselves."""

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from famulus.base.errors import UsageError
from famulus.settings.setting import Definition, definitions

_SHOWN = 60  # characters of a wrong value that are repeated to the user


def usage_error(
    model: type[BaseModel],
    error: ValidationError,
    values: Mapping[str, object],
    origins: Mapping[str, str],
) -> UsageError:
    """Return the error that names each wrong setting, its value, its origin and a right value.

    A first line stands in `brief`, further ones in `details`. If a key is no setting at all, the
    hint lists the settings. Keys and values are shown without control characters.
    """
    known = definitions(model)
    wrong = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors())
    lines = [
        f"{printable(key)}: {_problem(known.get(key), values[key])} (from {origins[key]})"
        for key in wrong
    ]
    unknown = any(key not in known for key in wrong)
    hint = "The settings are " + ", ".join(known) + "." if unknown else ""
    return UsageError(lines[0], details="\n".join(lines[1:]), hint=hint)


def _problem(definition: Definition | None, value: object) -> str:
    if definition is None:
        return "there is no such setting"
    wanted = f"must be {definition.expected}"
    return wanted if definition.kind.secret else f"{wanted}, not {_shown(value)}"


def _shown(value: object) -> str:
    shown = repr(value) if isinstance(value, str) else _written(value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."


def _written(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # str() refuses a number of thousands of digits
        return "a number of thousands of digits"


def printable(text: str) -> str:
    """Return `text` as it is, or in quotes if it is empty or has a control character to escape."""
    return text if text and text.isprintable() else repr(text)
