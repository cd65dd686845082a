# SPDX-License-Identifier: GPL-2.0-or-later
"""The log file of a command."""

import logging
from pathlib import Path

from famulus.base.errors import FamulusError


def write_log(path: Path) -> None:
    """Append all log records from now on to the file `path`, readable by its owner alone.

    Raises FamulusError if the file cannot be written.
    """
    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
        path.chmod(0o600)
    except OSError as error:
        raise FamulusError(
            f"cannot write {path}: {error.strerror}",
            hint="Is the disk full, or does the file belong to another user?",
        ) from error
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(process)d %(threadName)s %(levelname)s %(message)s")
    )
    logging.raiseExceptions = False  # a full disk is reported by the work that it stops
    logger = logging.getLogger("famulus")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
