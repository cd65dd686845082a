# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines that start a program in a node under the launcher (native/launcher/). Pure."""

import shlex
from collections.abc import Sequence

FOLDER = "/var/tmp/famulus-check"  # noqa: S108 - in a node: the program, made anew for each run
OURS = "/var/tmp/famulus-launcher"  # noqa: S108 - in a node: the launcher and its files
OUTCOME = f"{OURS}/outcome"  # in a node: how the last program with a time limit ended
_SCRIPTS = f"PYTHONPATH={OURS}/python FAMULUS_CHECK_LINES={OURS}/processes"
_LAUNCH = f"{OURS}/launch {OURS}/processes"

# The launcher runs as root, the program as the user. sudo changes these variables: restore them.
_AS_BEFORE = 'setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups --'
_ENVIRONMENT = '"HOME=$HOME" "PATH=$PATH" "USER=$USER" "LOGNAME=$LOGNAME" "SHELL=$SHELL"'


def traced(command: Sequence[str]) -> list[str]:
    """Return the words that run `command`, which may be words for a shell, under the launcher.

    Where there is no launcher, or the user may not be root, `command` runs as it is.
    """
    shell = f'"$SHELL" -c {shlex.quote(" ".join(command))}'
    launched = f"sudo --preserve-env env {_ENVIRONMENT} {_SCRIPTS} {_LAUNCH} {_AS_BEFORE} {shell}"
    able = f"[ -x {OURS}/launch ] && sudo -n true 2>/dev/null"
    return [f"if {able}; then exec {launched}; else exec {shell}; fi"]


def launch_command(program: Sequence[str], nodes: int, timeout: float) -> str:
    """Return the shell command that runs `program` as root in each of `nodes` nodes.

    The launcher ends the program after `timeout` seconds, and writes into the file OUTCOME how the
    program ended.
    """
    number = "FAMULUS_NODE=$(hostname | tr -dc 0-9)"
    limited = f"{OURS}/launch --limit {timeout:g} {OUTCOME} {OURS}/processes"
    words = shlex.join(program)
    return f"sudo env {number} FAMULUS_NODES={nodes} {_SCRIPTS} {limited} {words}"


def end_command() -> str:
    """Return the shell command that ends the launcher, and with it all that the launcher runs.

    SIGALRM has the launcher kill all its processes. A process that is about to start a
    launcher, such as sudo, is killed. The brackets keep the patterns from matching this command
    itself.
    """
    path = f"{OURS[:-1]}[{OURS[-1]}]/launch "
    launchers, starters = f"pkill -ALRM -f '^{path}'", f"pkill -KILL -f '.{path}'"
    return f"sudo {launchers}; sudo {starters}; sudo {launchers}; :"
