# SPDX-License-Identifier: GPL-2.0-or-later
"""`famulus up`."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from famulus.base.errors import UsageError
from famulus.cli.common import DEFAULT_FABRIC, FabricOption, VerboseOption, make_events, open_log
from famulus.cli.hooks import HOOKS
from famulus.cli.status import show
from famulus.fabric.status import fabric_status
from famulus.fabric.up import up as bring_up
from famulus.fabric.up import wanted
from famulus.settings.spec import check_name, load_spec
from famulus.state.folder import FabricFolder

_DEFAULT_FILE = Path("fabric.toml")


def _option(*names: str, help: str, metavar: str) -> Any:  # noqa: A002, ANN401 - typer's own words
    return typer.Option(*names, help=help, metavar=metavar, show_default=False)


class _Up(TyperCommand):
    """The parser would take `up -1` for an unknown option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        for word in args:
            if re.fullmatch(r"-\d+", word):
                load_spec({"nodes": word}, env={})
        return super().parse_args(ctx, args)


app = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@app.command(cls=_Up)
def up(
    number: Annotated[
        str | None,
        typer.Argument(metavar="[N]", help="Number of nodes, 1 to 64.", show_default=False),
    ] = None,
    fabric: FabricOption = DEFAULT_FABRIC,
    file: Annotated[
        Path | None,
        _option(
            "--file", help="Settings; by default ./fabric.toml if there is one.", metavar="TOML"
        ),
    ] = None,
    memory: Annotated[
        str | None, _option("--memory", help="RAM of a node (512M).", metavar="SIZE")
    ] = None,
    cpus: Annotated[int | None, _option("--cpus", help="CPUs of a node (1).", metavar="K")] = None,
    pool: Annotated[
        str | None, _option("--pool", help="Size of the pool, a power of two (1G).", metavar="SIZE")
    ] = None,
    pool_file: Annotated[
        Path | None,
        _option("--pool-file", help="File of the pool, instead of /dev/shm.", metavar="PATH"),
    ] = None,
    suite: Annotated[
        str | None, _option("--suite", help="Debian suite of the nodes (trixie).", metavar="SUITE")
    ] = None,
    kernel: Annotated[
        str | None,
        _option("--kernel", help="Debian kernel: cloud or generic (cloud).", metavar="KIND"),
    ] = None,
    mirror: Annotated[str | None, _option("--mirror", help="Debian mirror.", metavar="URL")] = None,
    proxy: Annotated[
        str | None, _option("--proxy", help="HTTP proxy for packages.", metavar="URL")
    ] = None,
    accel: Annotated[
        str | None, _option("--accel", help="Accelerator: auto, kvm or tcg (auto).", metavar="KIND")
    ] = None,
    subnet: Annotated[
        str | None, _option("--subnet", help="Private /24 (192.168.42.0/24).", metavar="NET")
    ] = None,
    ssh_port: Annotated[
        int | None, _option("--ssh-port", help="First port to try for ssh (42001).", metavar="PORT")
    ] = None,
    network: Annotated[
        str | None,
        _option(
            "--network", help="user: no root; libvirt: bridged, domains (user).", metavar="KIND"
        ),
    ] = None,
    cold: Annotated[
        bool | None,
        typer.Option("--cold/--clone", help="Boot new nodes, or clone them (clone)."),
    ] = None,
    doorbell: Annotated[
        bool | None,
        typer.Option(
            "--doorbell/--no-doorbell",
            help="Let nodes interrupt each other through the pool's device.",
            show_default=False,
        ),
    ] = None,
    coherence: Annotated[
        str | None,
        _option(
            "--coherence",
            help="full, or none: stores stay in a node's cache until written back (full).",
            metavar="KIND",
        ),
    ] = None,
    watch: Annotated[
        bool | None,
        typer.Option(
            "--watch/--no-watch",
            help="Nodes can tell of their accesses to the pool, for `trace` and `top`; implied by "
            "--coherence none.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Check what programs do to the pool, with --coherence none: `famulus check` says "
            "what was found.",
            show_default=False,
        ),
    ] = None,
    atomics: Annotated[
        str | None,
        _option(
            "--atomics",
            help="Without coherence, locked instructions act on the pool: coherent; or on the "
            "node's cache: local (coherent).",
            metavar="KIND",
        ),
    ] = None,
    cache: Annotated[
        str | None, _option("--cache", help="Room of a node's cache (no bound).", metavar="SIZE")
    ] = None,
    eviction: Annotated[
        str | None,
        _option(
            "--eviction",
            help="Which line a full cache gives up: none, random or lru (none).",
            metavar="KIND",
        ),
    ] = None,
    seed: Annotated[
        int | None, _option("--seed", help="Seed of what is random in caches (0).", metavar="N")
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Start a fabric, or bring a running one to what is asked: N nodes that share one pool.

    Flags win over FAMULUS_… in the environment, that over fabric.toml, that over what the fabric
    was made with. Run it again to repair, grow or shrink. The first time the template is built from
    Debian packages, which takes a minute or two.

    Examples: `famulus up 4`, `famulus up 2 --memory 1G --pool 4G`, `famulus up 8 --fabric test`.
    """
    flags = {
        "nodes": number,
        "memory": memory,
        "cpus": cpus,
        "pool": pool,
        "pool_file": pool_file,
        "suite": suite,
        "kernel": kernel,
        "mirror": mirror,
        "proxy": proxy,
        "accel": accel,
        "subnet": subnet,
        "ssh_port": ssh_port,
        "network": network,
        "cold": cold,
        "doorbell": doorbell,
        "coherence": coherence or ("none" if check else None),
        "watch": watch,
        "check": check,
        "atomics": atomics,
        "cache": cache,
        "eviction": eviction,
        "seed": seed,
    }
    existed = FabricFolder(check_name(fabric)).exists()
    settings = file or (_DEFAULT_FILE if _DEFAULT_FILE.is_file() else None)
    if number is None and settings is None and not existed and "FAMULUS_NODES" not in os.environ:
        raise UsageError(
            "how many nodes?", hint="Say `famulus up 4`, or write `nodes = 4` into fabric.toml."
        )
    wanted(fabric, flags, settings)  # what makes no sense leaves no trace
    open_log(fabric)
    up_now = bring_up(fabric, flags, settings, make_events(verbose), HOOKS)
    show(fabric_status(up_now, HOOKS))
