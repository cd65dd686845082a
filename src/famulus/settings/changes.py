# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings that cannot change while nodes run."""

from famulus.base.errors import FamulusError
from famulus.settings.messages import printable
from famulus.settings.setting import Applies, Definition, definitions
from famulus.settings.spec import FabricSpec


def change_while_running(before: FabricSpec, after: FabricSpec) -> FamulusError | None:
    """Return the error about the first setting that differs and that running nodes hold fast.

    None means that a running fabric can be brought from `before` to `after`. Both specs have the
    same class, and name the pool's file even where it is the default one.
    """
    for definition in definitions(type(before)).values():
        if definition.setting.applies is not Applies.AFTER_DOWN:
            continue
        old, new = _value(definition, before), _value(definition, after)
        if old != new:
            name = definition.setting.called or definition.name.replace("_", " ")
            return FamulusError(
                f"the fabric runs with the {name} {printable(old)}; "
                f"it cannot become {printable(new)} now",
                hint="`famulus down` first, then `famulus up` again.",
            )
    return None


def _value(definition: Definition, spec: FabricSpec) -> str:
    effective = definition.setting.effective
    if effective:
        return str(getattr(spec, effective))
    return definition.kind.written(getattr(spec, definition.name))
