#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the table of settings in docs/reference.md from the definitions in famulus.settings.

    .venv/bin/python scripts/render_settings.py [--check]

With --check, fail if the table there is not up to date.
"""

import json
import re
import sys
from pathlib import Path

from pydantic import BaseModel

from famulus.cli.options import option_name
from famulus.settings.setting import Definition, definitions
from famulus.settings.spec import FabricSpec

TARGET = Path(__file__).parents[1] / "docs/reference.md"
_BEGIN = "<!-- The table is written by scripts/render_settings.py; change the definitions. -->\n\n"
_END = "\n<!-- End of the table. -->\n"
_TITLES = ("key", "default", "right values", "meaning", "option", "a change applies")


def table(model: type[BaseModel]) -> str:
    """Return the table of the settings in `model`, in Markdown."""
    rows = [_TITLES, ("---",) * len(_TITLES), *map(_row, definitions(model).values())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(definition: Definition) -> tuple[str, ...]:
    setting = definition.setting
    more = f" ([more]({setting.page}))" if setting.page else ""
    return (
        f"`{definition.name}`",
        _default(definition),
        definition.expected,
        f"{setting.help}{more}",
        _option(definition),
        setting.applies.value,
    )


def _default(definition: Definition) -> str:
    """Return the default as TOML has it; empty for nothing."""
    default = definition.field.default
    if isinstance(default, int) and (definition.kind.written is str or default == 0):
        return f"`{json.dumps(default)}`"
    text = definition.default_text
    return f"`{json.dumps(text)}`" if text else ""


def _option(definition: Definition) -> str:
    if not definition.setting.option:
        return ""
    return ", ".join(f"`{name}`" for name in option_name(definition).split("/"))


def render(text: str) -> str:
    """Return the page `text` with the table as it must be now."""
    pattern = f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})"
    written, number = re.subn(pattern, lambda _: table(FabricSpec), text, flags=re.DOTALL)
    if number != 1:
        sys.exit(f"{TARGET.name} does not have the two lines that enclose the table")
    return written


def main() -> None:
    """Write the table, or check that it is up to date."""
    text = TARGET.read_text(encoding="utf-8")
    if sys.argv[1:] != ["--check"]:
        TARGET.write_text(render(text), encoding="utf-8")
    elif text != render(text):
        sys.exit(
            f"{TARGET.name} is not up to date; run .venv/bin/python scripts/render_settings.py"
        )


if __name__ == "__main__":
    main()
