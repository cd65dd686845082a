# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus network list|create|remove`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from famulus.backend.libvirt.network import NetworkStatus, every_network
from famulus.cli.app import App
from famulus.cli.common import (
    DEFAULT_FABRIC,
    FabricOption,
    JsonOption,
    make_events,
    settings_here,
)
from famulus.cli.options import takes_settings
from famulus.cli.screen import screen
from famulus.fabric.networks import create_network, remove_network
from famulus.settings.fabric_name import check_name
from famulus.settings.sources import load_spec

app = App(
    help="List, make and remove the networks that libvirt keeps for fabrics.", no_args_is_help=True
)


@app.command("list")
def list_networks(json_output: JsonOption = False) -> None:
    """List the networks that `up --network libvirt` has made, in use or not."""
    found = every_network()
    if json_output:
        typer.echo(json.dumps([asdict(network) for network in found], indent=2))
    else:
        screen().print(_table(found) if found else "libvirt has no networks of fabrics")


@app.command()
@takes_settings("subnet")
def create(
    number: Annotated[
        str | None,
        typer.Argument(metavar="[N]", help="Number of nodes with an address of their own."),
    ] = None,
    fabric: FabricOption = DEFAULT_FABRIC,
    **settings: object,
) -> None:
    """Make the network of a fabric, or extend it while it runs. `up` and `configure` do this, too.

    Example: `famulus network create 4`.
    """
    spec = load_spec({"nodes": number, **settings}, file=settings_here())
    name = create_network(check_name(fabric), spec.nodes, spec.subnet, make_events())
    typer.echo(f"the network {name} runs", err=True)


@app.command()
def remove(fabric: FabricOption = DEFAULT_FABRIC) -> None:
    """Remove the network of a fabric, even of one that is gone. `up` makes the network again.

    A network with machines on it is not removed. `down --purge` removes the network, too.

    Examples: `famulus network remove`, `famulus network remove --fabric test`.
    """
    typer.echo(f"removed the network {remove_network(fabric, make_events())}", err=True)


def _table(found: list[NetworkStatus]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("NETWORK", "FABRIC", "HOST", "BRIDGE", "STATE"):
        table.add_column(column)
    table.add_column("MACHINES", justify="right")
    for network in found:
        state = "active" if network.active else "inactive"
        row = (network.name, network.fabric, network.address or "-", network.bridge, state)
        table.add_row(*row, str(network.machines))
    return table
