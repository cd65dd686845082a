# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that a `with` block closes at its end."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """A context manager that calls its own `close`."""

    @abstractmethod
    def close(self) -> None:
        """Close the object. A second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
