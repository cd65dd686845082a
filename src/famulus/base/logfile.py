# SPDX-License-Identifier: GPL-2.0-or-later
"""A file that has everything that is done from now on."""

import logging
from pathlib import Path

from famulus.base.errors import FamulusError


def write_log(path: Path) -> None:
    """Append everything from now on to the log `path`, which only its owner can read."""
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise FamulusError(
            f"cannot write {path}: {error.strerror}", hint="Is the disk full, or is it another's?"
        ) from error
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(process)d %(threadName)s %(levelname)s %(message)s")
    )
    logging.raiseExceptions = False  # a full disk is reported by what it stops, not by the log
    logger = logging.getLogger("famulus")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
