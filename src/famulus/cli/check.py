# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus check`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from famulus.base.errors import FamulusError, UsageError
from famulus.base.events import Events
from famulus.checker.report import suppress
from famulus.checker.report.junit import junit
from famulus.checker.report.model import Report
from famulus.checker.report.sarif import sarif
from famulus.checker.report.text import lines_of
from famulus.checker.report_since_up import report_since_up
from famulus.checker.run import Request
from famulus.checker.run import check as run_check
from famulus.cli.common import (
    DEFAULT_FABRIC,
    JsonOption,
    VerboseOption,
    make_events,
    open_log,
    settings_here,
)
from famulus.node.node import Node
from famulus.state.folder import FabricFolder

_CANNOT = 2  # exit code: the program could not be run, or did not end in time


def check(
    context: typer.Context,
    nodes: Annotated[
        int | None,
        typer.Option(
            "--nodes",
            "-n",
            metavar="N",
            min=1,
            help="Number of nodes; by default the fabric's, or 2.",
        ),
    ] = None,
    fabric: Annotated[
        str | None,
        typer.Option(
            "--fabric",
            "-f",
            metavar="NAME",
            envvar="FAMULUS_FABRIC",
            help="A fabric to use and leave running; by default, one is made and removed.",
        ),
    ] = None,
    json_: JsonOption = False,
    sarif_file: Annotated[
        Path | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0.")
    ] = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")
    ] = None,
    suppressions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Defects not to report, see docs/check.md."),
    ] = None,
    notes: Annotated[bool, typer.Option("--notes", help="Report needless flushes, too.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time limit of the program.", min=1)
    ] = 300.0,
    verbose: VerboseOption = False,
) -> None:
    """Run a program on all nodes at once, without coherence, and report its memory defects.

    PROGRAM is a file of this host, which is copied to the nodes (a .c file is compiled there), or a
    path in the nodes. FAMULUS_NODE (1 ...) and FAMULUS_NODES are in its environment. Without
    PROGRAM, `check` reports the defects found so far on a fabric that `up --check` started.

    Exit code: 0 no defect; 1 a defect was found; 2 the program could not be run, or did not end in
    time and had no defect until then.

    Examples: `famulus check -- ./program arg`, `famulus check --nodes 3 --sarif out -- test.c`.
    """
    rules = suppress.read(suppressions) if suppressions else []
    _require_folders(sarif_file, junit_file)
    if context.args:
        program, *words = context.args
        request = Request(program, words, nodes, fabric, timeout, notes, settings_here())
        if fabric:
            open_log(fabric)
        report = _run(
            request, Console(emoji=False, stderr=json_, highlight=False, soft_wrap=True), verbose
        )
    else:
        report = _found(fabric, make_events(verbose), notes=notes)
    report.defects[:] = suppress.apply(rules, report.defects)
    _write(report, sarif_file, junit_file)
    if json_:
        typer.echo(json.dumps(_as_json(report), indent=1))
    else:
        _show(report)
    raise typer.Exit(1 if report.wrong else _CANNOT if report.timed_out else 0)


def _require_folders(*files: Path | None) -> None:
    """Raise UsageError before the run if the folder of a file to write after the run is missing."""
    for file in filter(None, files):
        if not file.parent.is_dir():
            raise UsageError(
                f"there is no folder {file.parent} for {file.name}",
                hint=f"Make the folder first: mkdir -p {file.parent}",
            )


def _found(given: str | None, events: Events, *, notes: bool) -> Report:
    fabric = given or DEFAULT_FABRIC
    if not given and not FabricFolder(fabric).exists():
        raise UsageError(
            "no program to check",
            hint="Example: famulus check -- ./program. Without a program, `check` needs a fabric "
            "that `famulus up --check` started.",
        )
    if FabricFolder(fabric).exists():
        open_log(fabric)
    try:
        return report_since_up(fabric, events, notes=notes)
    except FamulusError as error:
        error.exit_code = _CANNOT
        raise


def _run(request: Request, screen: Console, verbose: bool) -> Report:
    def on_line(node: Node, line: str) -> None:
        screen.out(f"{node.name} | {line}", highlight=False)

    try:
        return run_check(request, on_line, make_events(verbose))
    except FamulusError as error:
        error.exit_code = _CANNOT
        raise


def _write(report: Report, sarif_file: Path | None, junit_file: Path | None) -> None:
    if sarif_file:
        sarif_file.write_text(sarif(report.defects), encoding="utf-8")
    if junit_file:
        junit_file.write_text(junit(report.program, report.defects), encoding="utf-8")


def _as_json(report: Report) -> dict[str, object]:
    return {
        "program": report.program,
        "exit_codes": {str(node): code for node, code in report.codes.items()},
        "timed_out": report.timed_out,
        "events": report.events,
        "gaps": report.gaps,
        "defects": [defect.as_json() for defect in report.defects],
    }


def _show(report: Report) -> None:
    screen = Console(emoji=False, highlight=False, soft_wrap=True, markup=False)
    for defect in report.defects:
        for style, text in lines_of(defect):
            screen.print(text, style=style)
        screen.print()
    codes = ", ".join(f"node {node}: {code}" for node, code in report.codes.items())
    ended = f"exit codes of {report.program}: {codes}; " if codes else ""
    screen.print(f"{ended}{report.events} events watched")
    if report.gaps:
        screen.print(f"events are missing in {report.gaps} places: did a node die?", style="yellow")
    if report.timed_out:
        screen.print("the program did not end in time, see --timeout", style="yellow")
    if report.wrong:
        found = len(report.wrong)
        screen.print("1 defect" if found == 1 else f"{found} defects", style="bold red")
    else:
        screen.print("no defect found", style="bold green")
