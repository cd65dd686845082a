# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus doctor`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from famulus.cli.common import JsonOption, settings_here
from famulus.cli.options import takes_settings
from famulus.fabric.doctor import check
from famulus.host.finding import Finding
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.sources import load_spec
from famulus.state.folder import FabricFolder

_MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}


@takes_settings("memory", "pool", "accel", "network")
def doctor(
    number: Annotated[
        int | None, typer.Argument(metavar="[N]", help="Number of nodes to check for.")
    ] = None,
    json_output: JsonOption = False,
    **settings: object,
) -> None:
    """Check whether this host can run a fabric, and show a cure for everything that is missing.

    Exits with 1 if a fabric cannot run.
    """
    spec = load_spec({"nodes": number, **settings}, file=settings_here())
    findings = check(FabricFolder(DEFAULT_NAME), spec)
    if json_output:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)


def _show(findings: list[Finding]) -> None:
    screen = Console(emoji=False, highlight=False)
    for finding in findings:
        screen.print(
            f"{_MARKS[finding.level]} {escape(finding.name)}: {escape(finding.text)}",
            soft_wrap=True,
        )
        if finding.cure and finding.level != "ok":
            screen.print(f"    [bold]→[/] {escape(finding.cure)}", soft_wrap=True)
