# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that the end of a `with` block leaves or closes."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Leaving(ABC):
    """A context manager that calls its own `_leave` at the end of the block, on errors too."""

    @abstractmethod
    def _leave(self) -> None:
        """End the block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._leave()


class Closing(Leaving):
    """A context manager that calls its own `close`."""

    @abstractmethod
    def close(self) -> None:
        """Close the object. A second call does nothing."""

    def _leave(self) -> None:
        self.close()
