# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs of `famulus`. A verb is loaded when called: loading all verbs takes too long."""

from collections.abc import Callable
from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from famulus.cli.app import App, Group

# The groups and verbs in the order of --help; each verb with its module of famulus.cli and the name
# of its function, or of its application, there.
_GROUPS = {
    "Fabric": {
        "up": "up:app",
        "down": "down:down",
        "status": "status:status",
        "list": "listing:list_fabrics",
        "log": "logs:log",
        "demo": "demo:demo",
    },
    "Nodes": {
        "ssh": "ssh:ssh",
        "exec": "execute:execute",
        "cp": "cp:cp",
        "console": "console:console",
        "node": "node:app",
        "ssh-config": "ssh_config:ssh_config",
    },
    "Memory": {
        "pool": "pool:app",
        "region": "region:app",
    },
    "Checking": {
        "check": "check:check",
        "trace": "trace:app",
        "top": "trace:top",
    },
    "Images": {
        "template": "template:app",
        "snapshot": "snapshot:app",
        "export": "export:export",
        "configure": "configure:configure",
    },
    "Host": {
        "doctor": "doctor:doctor",
        "network": "network:app",
    },
}
VERBS = {verb: place for verbs in _GROUPS.values() for verb, place in verbs.items()}

# The verbs that pass further words on to another program, and the usage of these words.
_WITH_COMMANDS = {
    "ssh": "[-- COMMAND...]",
    "exec": "-- COMMAND...",
    "check": "[-- PROGRAM [ARG]...]",
}


class Verbs(Group):
    """The group of all verbs. For an unknown verb, all verbs are loaded to suggest similar ones."""

    def list_commands(self, _ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the verbs' names."""
        return list(VERBS)

    def get_command(self, _ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        """Return the verb `cmd_name`, loaded now, or None."""
        for verb in [cmd_name] if cmd_name in VERBS else VERBS:
            if verb not in self.commands:
                self.commands[verb] = _load(verb)
        return self.commands.get(cmd_name)  # type: ignore[return-value]


def _load(verb: str) -> TyperCommand | TyperGroup:
    module, name = VERBS[verb].split(":")
    loaded = getattr(import_module(f"famulus.cli.{module}"), name)
    app = loaded if isinstance(loaded, typer.Typer) else _application(verb, loaded)
    single = len(app.registered_commands) == 1
    command: TyperCommand | TyperGroup = get_command(app) if single else get_group(app)  # type: ignore[assignment]
    command.name = verb
    command.rich_help_panel = next(group for group, verbs in _GROUPS.items() if verb in verbs)
    return command


def _application(verb: str, function: Callable[..., None]) -> App:
    """Return the application that has the one command `verb`."""
    app = App()
    further = _WITH_COMMANDS.get(verb)
    register = app.command_with_words(verb, further) if further else app.command(verb)
    register(function)
    return app
