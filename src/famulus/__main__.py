# SPDX-License-Identifier: GPL-2.0-or-later
"""The command `famulus`, also as `python -m famulus`."""

import gc
import sys

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """Run the command line. An interrupt while it is still being loaded is no error either."""
    try:
        gc.disable()  # what is loaded is no garbage; to look for some takes a tenth of the time
        from famulus.cli.main import main as run  # noqa: PLC0415 - loading takes a quarter of a second

        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
