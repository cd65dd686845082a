# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus template build|list|prune`."""

import json

import typer
from rich.table import Table

from famulus.base.units import human_size
from famulus.cli.app import App
from famulus.cli.common import (
    JsonOption,
    VerboseOption,
    make_events,
    note_missing_homes,
    settings_here,
)
from famulus.cli.options import takes_settings
from famulus.cli.screen import screen
from famulus.fabric.templates import prune_templates, templates_in_use
from famulus.settings.sources import load_spec
from famulus.template import store
from famulus.template.build import ensure

app = App(
    help="Build, list and remove templates: the root file systems that nodes are made from.",
    no_args_is_help=True,
)


@app.command()
@takes_settings("suite", "kernel", "mirror", "proxy")
def build(verbose: VerboseOption = False, **settings: object) -> None:
    """Build a template if it does not exist yet. `up` does this by itself."""
    spec = load_spec(settings, file=settings_here())
    template = ensure(spec, make_events(verbose))
    typer.echo(f"{template.digest} {template.folder}")


@app.command("list")
def list_templates(json_output: JsonOption = False) -> None:
    """List the templates and the fabrics that use them."""
    used = templates_in_use()
    rows = [
        {
            "digest": template.digest,
            "suite": template.suite,
            "kernel": template.kernel_kind,
            "bytes": template.size,
            "fabrics": used.get(template.digest, []),
        }
        for template in store.all_templates()
    ]
    if json_output:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("TEMPLATE", "SUITE", "KERNEL", "ON DISK", "FABRICS", box=None, pad_edge=False)
    for template in store.all_templates():
        names = ", ".join(used.get(template.digest, [])) or "-"
        table.add_row(
            template.digest, template.suite, template.kernel_kind, human_size(template.size), names
        )
    screen().print(table if rows else "no templates; `famulus up` builds a template")


@app.command()
def prune() -> None:
    """Remove the templates that no fabric uses, and their snapshots."""
    typer.echo(f"freed {human_size(prune_templates())}")
    note_missing_homes(make_events())
