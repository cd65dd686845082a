# SPDX-License-Identifier: GPL-2.0-or-later
"""The description of a setting: the metadata of a model's field, and the texts that follow from it.

A field of a model of settings is written as `name: Annotated[type, …, Setting(…)] = default`. Its
bounds stand there as pydantic's `Field(ge=…, le=…)`, its type brings a `Kind`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

T = TypeVar("T")


class Group(Enum):
    """The groups of options in `famulus up --help`."""

    FABRIC = "Fabric"
    MACHINE = "Machine"
    MEMORY = "Memory"
    NETWORK = "Network"
    COHERENCE = "Coherence"
    PACKAGES = "Packages"


class Applies(Enum):
    """When a fabric takes a changed setting over."""

    AT_ONCE = "at once"
    NEXT_START = "when a node starts next"
    NEW_NODES = "to new nodes"
    AFTER_DOWN = "after `famulus down`"


@dataclass(frozen=True)
class Kind:
    """The description of a type of settings, as metadata of that type.

    `noun` describes a right value in a message. `written` turns a value into the user's text.
    The value of a `secret` kind is never repeated to the user. If a value `may_be_empty`, an empty
    FAMULUS_<NAME> wins over the sources of a lower rank; otherwise it counts as absent.
    """

    noun: str
    metavar: str = ""
    written: Callable[[Any], str] = str
    secret: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True)
class Setting:
    """The description of one setting, as metadata of its field.

    `help` is a phrase without a full stop, in Markdown. `examples` are right values, and `expected`
    is the whole description of a right value where kind, bounds and examples do not suffice.
    `option` is False for a setting that only `fabric.toml` and the environment have, `off` the name
    of the option that sets false (by default no-<name>), `variables` are further environment
    variables behind FAMULUS_<NAME>. `page` is a page of docs/ that tells more.

    A refusal to change the setting while nodes run (`applies` is AFTER_DOWN) calls the setting
    `called`, and compares the attribute `effective` of the model (by default the setting itself).
    """

    help: str
    group: Group
    applies: Applies
    examples: str = ""
    expected: str = ""
    metavar: str = ""
    option: bool = True
    off: str = ""
    variables: tuple[str, ...] = ()
    page: str = ""
    called: str = ""
    effective: str = ""


_BOOL = Kind("true or false")


@dataclass(frozen=True)
class Definition:
    """A field of a model of settings: its name, pydantic's view of the field, and its Setting."""

    name: str
    field: FieldInfo
    setting: Setting

    @property
    def type(self) -> Any:  # noqa: ANN401 - any type
        """The type of the value, without the None of an optional one."""
        annotation = self.field.annotation
        if isinstance(annotation, UnionType):
            (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
        return annotation

    @property
    def choices(self) -> tuple[str, ...]:
        """The right values, if only some words are right."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def kind(self) -> Kind:
        """The kind of the setting."""
        if self.choices:
            return Kind(_listed(self.choices), "|".join(self.choices))
        return _BOOL if self.type is bool else _last(self.field.metadata, Kind)

    @property
    def metavar(self) -> str:
        """The word that stands for the value in `--help`; empty for true or false."""
        return self.setting.metavar or self.kind.metavar

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables of the setting, the strongest first."""
        return (f"FAMULUS_{self.name.upper()}", *self.setting.variables)

    @property
    def default_text(self) -> str:
        """The default as the user writes it; empty for nothing, and for true or false."""
        default = self.field.default
        if self.type is bool or default in (None, "", ()):
            return ""
        return self.kind.written(default)

    @property
    def expected(self) -> str:
        """The description of a right value: `a size from 192M to 256G, such as 512M or 2G`."""
        if self.setting.expected:
            return self.setting.expected
        examples = f", such as {self.setting.examples}" if self.setting.examples else ""
        return f"{self.kind.noun}{self._bounds()}{examples}"

    def _bounds(self) -> str:
        low, high = (
            next(
                (getattr(bound, name) for bound in self.field.metadata if hasattr(bound, name)),
                None,
            )
            for name in ("ge", "le")
        )
        start = "" if low is None else f" from {self.kind.written(low)}"
        return start if high is None else f"{start} to {self.kind.written(high)}"


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _last(metadata: list[Any], kind: type[T]) -> T:
    return [item for item in metadata if isinstance(item, kind)][-1]


@cache
def definitions(model: type[BaseModel]) -> dict[str, Definition]:
    """Return the definitions of the settings in `model` by name, in the order of the model."""
    return {
        name: Definition(name, field, _last(field.metadata, Setting))
        for name, field in model.model_fields.items()
    }
