# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus up`."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from famulus.base.errors import UsageError
from famulus.cli.app import App, Command
from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    VerboseOption,
    make_events,
    open_log,
    settings_here,
)
from famulus.cli.hooks import HOOKS
from famulus.cli.options import help_of, takes_settings
from famulus.cli.status import show
from famulus.fabric.status import fabric_status
from famulus.fabric.up import up as bring_up
from famulus.fabric.up import wanted
from famulus.settings.fabric_name import check_name
from famulus.settings.sources import load_spec
from famulus.state.folder import FabricFolder


class _Up(Command):
    """The command `up`, which refuses -1 as a number of nodes, not as an unknown option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        for word in args:
            if re.fullmatch(r"-\d+", word):
                load_spec({"nodes": word}, env={})
        return super().parse_args(ctx, args)


app = App()


@app.command(cls=_Up)
@takes_settings(grouped=True)
def up(
    number: Annotated[
        str | None, typer.Argument(metavar="N", help=help_of("nodes"), show_default=False)
    ] = None,
    fabric: FabricOption = DEFAULT_FABRIC,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="File of settings; by default ./fabric.toml, if that file exists.",
            metavar="TOML",
            show_default=False,
        ),
    ] = None,
    verbose: VerboseOption = False,
    **settings: object,
) -> None:
    """Start a fabric of N nodes that share one pool, or bring a running fabric to new settings.

    An option wins over a variable such as FAMULUS_MEMORY, a variable over fabric.toml, fabric.toml
    over the settings that the fabric has. Run `up` again to repair, grow or shrink a fabric. The
    first run builds the template from Debian packages, which takes a minute or two.

    Examples: `famulus up 4`, `famulus up 2 --memory 1G --pool 4G`, `famulus up 8 --fabric test`.
    """
    existed = FabricFolder(check_name(fabric)).exists()
    file = file or settings_here()
    if number is None and file is None and not existed and "FAMULUS_NODES" not in os.environ:
        raise UsageError(
            "the number of nodes is missing",
            hint="Say `famulus up 4`, or write `nodes = 4` into fabric.toml.",
        )
    flags = {"nodes": number, **settings}
    wanted(fabric, flags, file)  # a wrong setting leaves no trace
    open_log(fabric)
    fabric_now = bring_up(fabric, flags, file, make_events(verbose), HOOKS)
    show(fabric_status(fabric_now, HOOKS))
