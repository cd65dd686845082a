# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus check`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from famulus.base.errors import FamulusError, UsageError
from famulus.base.events import Events
from famulus.base.text import visible
from famulus.checker.analyser import AnalyserError
from famulus.checker.report import suppress
from famulus.checker.report.junit import junit
from famulus.checker.report.model import Report
from famulus.checker.report.sarif import sarif
from famulus.checker.report.text import ending_of, lines_of
from famulus.checker.report.verdict import Outcome, outcome, reasons
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
            help="A fabric to use and leave running; by default, `check` makes a fabric and "
            "removes it.",
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

    Exit code: 0 no defect; 1 a defect was found; 2 the program could not be run; 3 the program
    failed; 4 unknown: events are missing, or the program did not end in time. If several apply, the
    first of 1, 4 and 3.

    Examples: `famulus check -- ./program arg`, `famulus check --nodes 3 --sarif out -- test.c`.
    """
    rules = suppress.read(suppressions) if suppressions else []
    out = _Out(json_, sarif_file, junit_file)
    out.require_folders()
    with out.failures(context.args[0] if context.args else ""):
        if context.args:
            program, *words = context.args
            request = Request(program, words, nodes, fabric, timeout, notes, settings_here())
            report = _run(request, _screen(stderr=json_), verbose)
        else:
            report = _found(fabric, make_events(verbose), notes=notes)
    report.defects[:] = suppress.apply(rules, report.defects)
    out.show(report)
    raise typer.Exit(outcome(report))


@dataclass(frozen=True)
class _Out:
    """Where reports go: JSON or text to standard output, and the files that the user wants."""

    json: bool
    sarif: Path | None
    junit: Path | None

    def require_folders(self) -> None:
        """Raise UsageError before the run if the folder of a file is missing."""
        for file in filter(None, (self.sarif, self.junit)):
            if not file.parent.is_dir():
                raise UsageError(
                    f"there is no folder {file.parent} for {file.name}",
                    hint=f"Make the folder first: mkdir -p {file.parent}",
                )

    @contextmanager
    def failures(self, program: str) -> Iterator[None]:
        """Report a failure of the block in each format, too, and give the error its exit code."""
        try:
            yield
        except FamulusError as error:
            ended = isinstance(error, AnalyserError)
            error.exit_code = Outcome.UNKNOWN if ended else Outcome.COULD_NOT_RUN
            report = Report(program, failure=(error.exit_code, error.brief))
            self._write(report)
            if self.json:
                self._print_json(report)
            raise

    def show(self, report: Report) -> None:
        """Print the report, and write the files. A failure here does not hide the verdict."""
        try:
            if self.json:
                self._print_json(report)
            else:
                _print_text(report)
            self._write(report)
        except OSError as error:
            failure = FamulusError(f"the report cannot be written: {error.strerror or error}")
            failure.exit_code = outcome(report) or Outcome.COULD_NOT_RUN
            raise failure from error

    def _write(self, report: Report) -> None:
        if self.sarif:
            self.sarif.write_text(sarif(report), encoding="utf-8")
        if self.junit:
            self.junit.write_text(junit(report), encoding="utf-8")

    def _print_json(self, report: Report) -> None:
        typer.echo(json.dumps(_as_json(report), indent=1))


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
    return report_since_up(fabric, events, notes=notes)


def _run(request: Request, screen: Console, verbose: bool) -> Report:
    def on_line(node: Node, line: str) -> None:
        screen.out(f"{node.name} | {line}", highlight=False)

    if request.fabric:
        open_log(request.fabric)
    return run_check(request, on_line, make_events(verbose))


def _screen(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, emoji=False, highlight=False, soft_wrap=True, markup=False)


def _as_json(report: Report) -> dict[str, object]:
    verdict = outcome(report)
    return {
        "verdict": verdict.word,
        "exit_code": int(verdict),
        "reasons": [text for _, text in reasons(report)],
        "program": report.program,
        "exit_codes": {str(node): end.code for node, end in report.ends.items()},
        "timed_out": report.timed_out,
        "events": report.events,
        "defects": [defect.as_json() for defect in report.defects],
    }


def _print_text(report: Report) -> None:
    screen = _screen()
    for defect in report.defects:
        for style, text in lines_of(defect):
            screen.print(visible(text), style=style)
        screen.print()
    for style, text in ending_of(report):
        screen.print(visible(text), style=style)
