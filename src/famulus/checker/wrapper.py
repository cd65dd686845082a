# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines of nodes that start something under the launcher (native/launcher/). Pure."""

import shlex
from collections.abc import Sequence

FOLDER = "/var/tmp/famulus-check"  # noqa: S108 - in a node, made anew for each program
OURS = "/var/tmp/famulus-launcher"  # noqa: S108 - in a node: the launcher and what it keeps
SCRIPTS = f"PYTHONPATH={OURS}/python FAMULUS_CHECK_LINES={OURS}/processes"
LAUNCH = f"{OURS}/launch {OURS}/processes"

# The launcher is root's; what it starts is not. What sudo would change is told again.
_AS_BEFORE = 'setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups --'
_ENVIRONMENT = '"HOME=$HOME" "PATH=$PATH" "USER=$USER" "LOGNAME=$LOGNAME" "SHELL=$SHELL"'


def traced(command: Sequence[str]) -> list[str]:
    """Return the words that run `command`, a shell's words too, as it was to run, but traced.

    Where there is no launcher, or the user may not be root, it runs as it is.
    """
    shell = f'"$SHELL" -c {shlex.quote(" ".join(command))}'
    launched = f"sudo --preserve-env env {_ENVIRONMENT} {SCRIPTS} {LAUNCH} {_AS_BEFORE} {shell}"
    able = f"[ -x {OURS}/launch ] && sudo -n true 2>/dev/null"
    return [f"if {able}; then exec {launched}; else exec {shell}; fi"]
