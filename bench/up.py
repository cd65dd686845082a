# SPDX-License-Identifier: GPL-2.0-or-later
"""The time until a fabric is up, against debvm in the same run, and the cost of a node.

Run as root: `make bench`. Times end with a finished ssh login. Needs Debian's debvm.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from bench import debvm
from bench.common import Famulus, median, report, seconds
from famulus.base.paths import templates
from famulus.base.units import human_size
from famulus.settings.spec import FabricSpec
from famulus.template.recipe import Recipe

RUNS = 3


def main() -> None:
    """Measure and print everything."""
    if not debvm.available():
        sys.exit("debvm is not installed; `apt-get install debvm` (bookworm: from backports)")
    with tempfile.TemporaryDirectory(prefix="famulus-bench-") as name:
        folder = Path(name)
        theirs = first_debvm(folder)
        report(
            "first `up 1`, nothing cached / debvm-create + debvm-run", first_up(folder), theirs, 0.9
        )
    famulus = Famulus("bench", templates().parent)
    one = four(famulus)
    memory(famulus)
    famulus("down", "--purge")
    print(f"(one cold boot: {one:.1f} s)")


def first_debvm(folder: Path) -> float:
    """Return the seconds from nothing to an ssh login with debvm; measure its boot as well."""
    recipe = Recipe.from_spec(FabricSpec())
    place = folder / "debvm"
    place.mkdir()
    first = seconds(lambda: _create_and_log_in(place, recipe))
    again = median(lambda: seconds(lambda: _boot_and_log_in(place)), RUNS)
    ours = median(lambda: _cold_boot(Famulus("bench-boot", templates().parent)), RUNS)
    report("one cold boot to ssh / debvm-run to ssh", ours, again, 0.7)
    return first


def _create_and_log_in(place: Path, recipe: Recipe) -> None:
    debvm.create(place, recipe.suite, recipe.packages, recipe.options)
    _boot_and_log_in(place)


def _boot_and_log_in(place: Path) -> None:
    with debvm.running(place) as log_in:
        log_in()


def _cold_boot(famulus: Famulus) -> float:
    famulus("template", "build")
    taken = seconds(lambda: _up_and_log_in(famulus, 1))
    famulus("down", "--purge")
    return taken


def _up_and_log_in(famulus: Famulus, nodes: int, how: str = "--cold") -> None:
    famulus("up", str(nodes), how)
    famulus("ssh", str(nodes), "--", "true")


def first_up(folder: Path) -> float:
    """Return the seconds from an empty FAMULUS_HOME to an ssh login."""
    famulus = Famulus("bench-first", folder / "home")
    taken = seconds(lambda: _up_and_log_in(famulus, 1, "--clone"))
    famulus("down", "--purge")
    shutil.rmtree(folder / "home")
    return taken


def four(famulus: Famulus) -> float:
    """Compare four nodes with one, both with the template there; leave the four running."""
    one = median(lambda: _cold_boot(famulus), RUNS)
    report("up 4 / up 1, template there", seconds(lambda: _up_and_log_in(famulus, 4)), one)
    return one


def memory(famulus: Famulus) -> None:
    """Print the proportional set size of a new node."""
    sizes = [node["proportional"] for node in famulus.status()["nodes"]]
    middle = human_size(statistics.median(sizes))
    print(f"memory of a node (PSS of its QEMU, median of {len(sizes)}): {middle}")


if __name__ == "__main__":
    main()
