# SPDX-License-Identifier: GPL-2.0-or-later
"""`python3 -m famulus_guest list | rm NAME | members`: the directory in a node's shell."""

import argparse
import sys

from famulus_guest.pool import Pool


def _list(pool: Pool) -> None:
    for region in sorted(pool.regions(), key=lambda region: region.name):
        kind = "reserved" if region.reserved else "region"
        print(f"{region.name}\t{region.size}\t{region.offset:#x}\t{region.mode:04o}\t{kind}")


def _members(pool: Pool) -> None:
    for member in pool.members():
        print(f"{member.node}\t{member.pid}\t{member.beats}")


def main() -> int:
    """Run the command line. Returns 0 on success, 1 after an error."""
    parser = argparse.ArgumentParser(prog="famulus_guest", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="name, bytes, offset, mode, kind of each region")
    verbs.add_parser("members", help="node, process, heartbeats of each member")
    verbs.add_parser("rm", help="destroy a region").add_argument("name")
    words = parser.parse_args()
    try:
        with Pool() as pool:
            if words.verb == "list":
                _list(pool)
            elif words.verb == "members":
                _members(pool)
            else:
                pool.destroy(words.name)
    except (OSError, ValueError) as error:
        print(f"famulus_guest: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
