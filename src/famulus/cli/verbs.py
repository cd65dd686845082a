# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs of `famulus`, each loaded when it is called: to load all takes longer than most do."""

from collections.abc import Callable
from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

# In the order in which --help lists them: the verb, and what in famulus.cli carries it out.
_VERBS = {
    "up": "up:app",
    "down": "down:down",
    "status": "status:status",
    "list": "listing:list_fabrics",
    "ssh": "ssh:ssh",
    "exec": "execute:execute",
    "check": "check:check",
    "trace": "trace:app",
    "top": "trace:top",
    "cp": "cp:cp",
    "console": "console:console",
    "configure": "configure:configure",
    "export": "export:export",
    "log": "logs:log",
    "ssh-config": "ssh_config:ssh_config",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "node": "node:app",
    "network": "network:app",
    "pool": "pool:app",
    "region": "region:app",
    "template": "template:app",
    "snapshot": "snapshot:app",
}
# What follows is another program's, options and all. And what --help shows instead of [OPTIONS].
_WITH_COMMANDS = {
    "ssh": "[OPTIONS]",
    "exec": "[OPTIONS]",
    "check": "[OPTIONS] -- PROGRAM [ARG]...",
}
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


class Verbs(TyperGroup):
    """The group of all verbs. One that it does not know it compares with all of them."""

    def list_commands(self, _ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the verbs' names."""
        return list(_VERBS)

    def get_command(self, _ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        """Return the verb `cmd_name`, loaded now, or None."""
        for verb in [cmd_name] if cmd_name in _VERBS else _VERBS:
            if verb not in self.commands:
                self.commands[verb] = _load(verb)
        return self.commands.get(cmd_name)  # type: ignore[return-value]


def _alone(verb: str, function: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    settings = _PASS_ON if verb in _WITH_COMMANDS else None
    options = _WITH_COMMANDS.get(verb, "[OPTIONS]")
    app.command(verb, context_settings=settings, options_metavar=options)(function)
    return app


def _load(verb: str) -> TyperCommand | TyperGroup:
    module, name = _VERBS[verb].split(":")
    what = getattr(import_module(f"famulus.cli.{module}"), name)
    app = what if isinstance(what, typer.Typer) else _alone(verb, what)
    command = get_group(app) if len(app.registered_commands) > 1 else get_command(app)
    command.name = verb
    return command  # type: ignore[return-value]
