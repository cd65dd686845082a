# SPDX-License-Identifier: GPL-2.0-or-later
"""The command `famulus`, also as `python -m famulus`."""

import gc
import sys

_INTERRUPTED = 130  # 128 + SIGINT, the exit code of shells


def main() -> None:
    """Run the command line. An interrupt while modules are still loaded shows no traceback."""
    try:
        from famulus.cli.streams import prepare  # noqa: PLC0415 - an interrupt may arrive

        prepare()
        gc.disable()  # loading makes no garbage, and a search for garbage takes a tenth of the time
        from famulus.cli.main import main as run  # noqa: PLC0415 - loading takes a quarter of a second

        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
