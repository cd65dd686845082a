# SPDX-License-Identifier: GPL-2.0-or-later
"""The specification of a fabric: valid settings, the rules between them, and derived values.

A FabricSpec is frozen and valid; nothing that happens at run time is in it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError, model_validator

from famulus.base.errors import UsageError
from famulus.settings.definitions import Settings


class FabricSpec(Settings):
    """The specification of a fabric.

    Making one raises pydantic's ValidationError if a setting is wrong by itself, and UsageError if
    settings exclude each other.
    """

    @classmethod
    def without_rules(cls, settings: Settings) -> Self:
        """Return a specification of `settings` that may exclude each other, for `doctor` only."""
        return cls.model_construct(**dict(settings))

    @property
    def noncoherent(self) -> bool:
        """Whether each node has a cache before the pool that no other node looks into."""
        return self.coherence == "none"

    @property
    def watched(self) -> bool:
        """Whether a plugin is in each node's QEMU: it reports accesses, and caches need it."""
        return self.watch or self.noncoherent

    @property
    def plugin(self) -> Literal["loaded", "not loaded"]:
        """The state of the plugin in each node's QEMU."""
        return "loaded" if self.watched else "not loaded"

    @property
    def accelerator(self) -> Literal["auto", "kvm", "tcg"]:
        """The accelerators that may run nodes: only translated code can be watched."""
        return "tcg" if self.watched and self.accel == "auto" else self.accel

    @model_validator(mode="before")
    @classmethod
    def _check_implies_caches(cls, given: Any) -> Any:  # noqa: ANN401 - pydantic gives anything
        if isinstance(given, Mapping) and implies_caches(given):
            return {**given, "coherence": "none"}
        return given

    @model_validator(mode="after")
    def _check_needs_caches(self) -> Self:
        if self.check and not self.noncoherent:
            raise UsageError(
                "coherent memory has nothing to check",
                hint="Leave --coherence full out, or --check.",
            )
        return self

    @model_validator(mode="after")
    def _plugin_needs_translated_code(self) -> Self:
        if self.watched and self.accel == "kvm":
            lacks = "whose caches are coherent" if self.noncoherent else "which reports no access"
            raise UsageError(
                f"KVM runs nodes on the host's own CPU, {lacks}",
                hint=f"`{self._plugin_option}` needs `--accel tcg`, or leave --accel out.",
            )
        return self

    @model_validator(mode="after")
    def _plugin_needs_our_qemu(self) -> Self:
        if self.watched and self.network == "libvirt":
            lacks = "have no caches of their own" if self.noncoherent else "report no access"
            raise UsageError(
                f"nodes that libvirt runs {lacks}",
                hint=f"`{self._plugin_option}` needs `--network user`.",
            )
        return self

    @model_validator(mode="after")
    def _bounded_cache_evicts(self) -> Self:
        if self.noncoherent and bool(self.cache) != (self.eviction != "none"):
            raise UsageError(
                "a cache has both a size and a way to choose the line to evict, or neither",
                hint="Give both --cache SIZE and --eviction random or lru.",
            )
        return self

    @property
    def _plugin_option(self) -> str:
        return "--coherence none" if self.noncoherent else "--watch"


def implies_caches(given: Mapping[str, object]) -> bool:
    """Tell whether the settings `given`, not yet validated, imply `coherence = "none"`.

    Settings that ask for a check and leave `coherence` out imply it.
    """
    return "coherence" not in given and _is_true(given.get("check"))


def _is_true(value: object) -> bool:
    try:
        return _boolean().validate_python(value)
    except ValidationError:
        return False


@cache
def _boolean() -> TypeAdapter[bool]:
    return TypeAdapter(bool)
