# SPDX-License-Identifier: GPL-2.0-or-later
"""One definition makes an option, a variable, a key, messages and a row of the reference."""

import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from scripts.render_settings import table
from typer.testing import CliRunner

from famulus.base.errors import UsageError
from famulus.base.units import KIB, MIB, format_size
from famulus.cli.options import option_name, takes_settings
from famulus.fabric.fabric import Fabric
from famulus.node.machine import machine_settings
from famulus.settings.changes import change_while_running
from famulus.settings.kinds import Proxy, Size
from famulus.settings.setting import Applies, Group, Setting, definitions
from famulus.settings.sources import load_settings
from famulus.settings.spec import FabricSpec
from famulus.state.folder import FabricFolder
from famulus.state.record import Record
from tests.places import ROOT


class Extended(FabricSpec):
    """The settings of a fabric and two more, as a contributor adds them."""

    link_delay: Annotated[
        Size,
        Field(ge=KIB, le=MIB),
        Setting("Delay", Group.NETWORK, Applies.AFTER_DOWN, examples="4K", page="x.md"),
    ] = 2 * KIB
    colour: Annotated[
        Literal["red", "green", "blue"], Setting("Colour", Group.MACHINE, Applies.AT_ONCE)
    ] = "red"


def refusal(flags: dict[str, Any], **sources: Any) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(Extended, flags, **{"env": {}, **sources})
    return caught.value.brief


def run(*words: str) -> tuple[str, dict[str, object]]:
    """Return the output of a verb that takes the settings of Extended, and the values it got."""
    got: dict[str, object] = {}
    app = typer.Typer(rich_markup_mode="markdown")

    @app.command()
    @takes_settings(model=Extended, grouped=True)
    def verb(**settings: object) -> None:
        got.update(settings)

    done = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    return done.output, got


def test_new_setting_has_an_option():
    assert run("--link-delay", "8K")[1]["link_delay"] == "8K"
    output = run("--help")[0]
    assert "Delay (default 2K)." in output
    assert "red|green|blue" in output


def test_new_setting_has_a_variable_and_a_key(tmp_path):
    assert load_settings(Extended, {}, env={"FAMULUS_LINK_DELAY": "4K"}).link_delay == 4 * KIB
    file = tmp_path / "fabric.toml"
    file.write_text('link_delay = "8K"')
    assert load_settings(Extended, {}, env={}, file=file).link_delay == 8 * KIB


def test_new_setting_has_messages():
    expected = (
        "link_delay: must be a size from 1K to 1M, such as 4K, not '2M' (from the command line)"
    )
    assert refusal({"link_delay": "2M"}) == expected
    assert "colour: must be red, green or blue, not 'grey'" in refusal({"colour": "grey"})


def test_new_setting_cannot_change_while_nodes_run():
    error = change_while_running(Extended(), Extended(link_delay=4 * KIB))
    assert error is not None
    assert error.brief == "the fabric runs with the link delay 2K; it cannot become 4K now"
    assert change_while_running(Extended(), Extended(colour="blue")) is None


def test_control_characters_of_a_wrong_value_or_key_are_escaped():
    assert r"not '\x1b[31mX' (from" in refusal({"colour": "\x1b[31mX"})
    assert r"not ['\x1b[31mX'] (from" in refusal({"colour": ["\x1b[31mX"]})
    assert refusal({"\x1b[31m": 1}).startswith(r"'\x1b[31m': there is no such setting")
    assert "not 'größer'" in refusal({"colour": "größer"})


def test_an_empty_value_that_cannot_change_is_shown_in_quotes():
    class WithUrl(FabricSpec):
        url: Annotated[Proxy, Setting("URL", Group.NETWORK, Applies.AFTER_DOWN)] = ""

    error = change_while_running(WithUrl(), WithUrl(url="http://x"))
    assert error is not None
    assert error.brief == "the fabric runs with the url ''; it cannot become http://x now"


def test_new_setting_has_a_row_in_the_reference():
    row = '`link_delay` | `"2K"` | a size from 1K to 1M, such as 4K | Delay ([more](x.md))'
    assert f"| {row} | `--link-delay` | after `famulus down` |" in table(Extended)


def test_the_table_in_the_reference_is_up_to_date():
    script = ROOT / "scripts/render_settings.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


@pytest.mark.parametrize("name", FabricSpec.model_fields)
def test_every_setting_has_all_its_texts(name):
    definition = definitions(FabricSpec)[name]
    assert definition.setting.help
    assert not definition.setting.help.endswith(".")
    assert definition.expected
    assert definition.variables[0] == f"FAMULUS_{name.upper()}"
    assert f"| `{name}` |" in table(FabricSpec)
    default = definition.field.default
    shown = format_size(default) if definition.metavar == "SIZE" else default
    assert getattr(load_settings(FabricSpec, {name: shown}, env={}), name) == default


def test_only_these_settings_have_no_option():
    without = [name for name, found in definitions(FabricSpec).items() if not found.setting.option]
    assert without == ["nodes", "packages", "root_password", "fabric_password"]


def test_options_have_the_names_that_users_know():
    known = definitions(FabricSpec)
    assert option_name(known["pool_file"]) == "--pool-file"
    assert option_name(known["cold"]) == "--cold/--clone"
    assert option_name(known["doorbell"]) == "--doorbell/--no-doorbell"


def test_a_running_node_keeps_the_settings_that_apply_at_its_next_start():
    node = Fabric(FabricFolder("f"), Record(FabricSpec(), "")).node(1)
    applies_later = {
        name
        for name, found in definitions(FabricSpec).items()
        if found.setting.applies is Applies.NEXT_START
    }
    assert set(machine_settings(node, "tcg")) == applies_later


@pytest.mark.parametrize(
    ("before", "after", "brief"),
    [
        ({}, {"pool": 64 * MIB}, "the pool 1G; it cannot become 64M now"),
        ({"pool_file": "/a"}, {"pool_file": "/p"}, "the pool file /a; it cannot become /p now"),
        ({}, {"coherence": "none"}, "the coherence full; it cannot become none now"),
        ({"watch": True}, {}, "the QEMU plugin loaded; it cannot become not loaded now"),
        ({}, {"network": "libvirt"}, "the network user; it cannot become libvirt now"),
        ({}, {"seed": 3}, "the seed 0; it cannot become 3 now"),
    ],
)
def test_change_while_nodes_run_is_refused(before, after, brief):
    error = change_while_running(FabricSpec(**before), FabricSpec(**after))
    assert error is not None
    assert brief in error.brief
    assert "famulus down" in error.hint


def test_plugin_that_is_loaded_anyway_may_be_asked_for():
    before, after = FabricSpec(coherence="none"), FabricSpec(coherence="none", watch=True)
    assert change_while_running(before, after) is None
