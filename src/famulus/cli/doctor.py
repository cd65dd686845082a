# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus doctor`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from famulus.cli.common import JsonOption, settings_here
from famulus.host.check import check_host
from famulus.host.finding import Finding
from famulus.settings.spec import load_spec

_MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}


def doctor(
    number: Annotated[int | None, typer.Argument(metavar="[N]", help="For how many nodes.")] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="RAM of a node.")
    ] = None,
    pool: Annotated[
        str | None, typer.Option("--pool", metavar="SIZE", help="Size of the pool.")
    ] = None,
    accel: Annotated[
        str | None, typer.Option("--accel", metavar="KIND", help="auto, kvm or tcg.")
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", metavar="KIND", help="user or libvirt.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Check whether this host can run a fabric, and say what to do where it cannot.

    Exits with 1 if something that a fabric needs is missing.
    """
    flags = {
        "nodes": number,
        "memory": memory,
        "pool": pool,
        "accel": accel,
        "network": network,
    }
    findings = check_host(load_spec(flags, file=settings_here()))
    if json_output:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)


def _show(findings: list[Finding]) -> None:
    screen = Console(highlight=False)
    for finding in findings:
        screen.print(
            f"{_MARKS[finding.level]} {escape(finding.name)}: {escape(finding.text)}",
            soft_wrap=True,
        )
        if finding.cure and finding.level != "ok":
            screen.print(f"    [bold]→[/] {escape(finding.cure)}", soft_wrap=True)
