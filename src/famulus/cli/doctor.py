# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus doctor`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from famulus.base.errors import UsageError
from famulus.cli.common import JsonOption, settings_here
from famulus.cli.options import takes_settings
from famulus.cli.screen import screen
from famulus.fabric.doctor import check
from famulus.host.finding import Finding
from famulus.settings.definitions import Settings
from famulus.settings.fabric_name import DEFAULT_NAME
from famulus.settings.sources import load_settings, load_spec
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder

_PLAIN_MARKS = {"ok": "+", "warning": "!", "error": "x"}  # where the encoding lacks the others
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
    spec, contradictions = _wanted({"nodes": number, **settings})
    findings = [*contradictions, *check(FabricFolder(DEFAULT_NAME), spec)]
    if json_output:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)


def _wanted(flags: Mapping[str, object]) -> tuple[FabricSpec, list[Finding]]:
    """Return the settings, and a finding if they exclude each other. Raises as `load_spec`."""
    file = settings_here()
    settings = load_settings(Settings, flags, file=file)
    try:
        return load_spec(flags, file=file), []
    except UsageError as error:
        finding = Finding("settings", "error", error.brief, error.hint)
        return FabricSpec.without_rules(settings), [finding]


def _show(findings: list[Finding]) -> None:
    console = screen()
    marks, arrow = (_PLAIN_MARKS, "->") if console.options.ascii_only else (_MARKS, "→")
    for finding in findings:
        console.print(
            f"{marks[finding.level]} {escape(finding.name)}: {escape(finding.text)}",
            soft_wrap=True,
        )
        if finding.cure and finding.level != "ok":
            console.print(f"    [bold]{arrow}[/] {escape(finding.cure)}", soft_wrap=True)
