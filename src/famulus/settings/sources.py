# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources of settings: flags, environment, file, and the settings of an earlier `up`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_origin

from pydantic import ValidationError

from famulus.base.files import read_regular
from famulus.settings.definitions import Settings
from famulus.settings.messages import usage_error
from famulus.settings.setting import Definition, definitions
from famulus.settings.spec import FabricSpec, implies_caches
from famulus.settings.toml_file import read_file

S = TypeVar("S", bound=Settings)

_NO_UTF8 = re.compile(
    "[\ud800-\udfff]"
)  # the characters for bytes that are not UTF-8 (os.fsdecode)
_WRONG = object()  # a value that no setting has


@dataclass(frozen=True)
class Given:
    """A setting's value as it was given, and the name of the place where it was given."""

    value: object
    origin: str

    @property
    def checked(self) -> object:
        """The value, or one that no setting has if the text is not UTF-8: pydantic would raise."""
        texts = self.value if isinstance(self.value, list) else [self.value]
        wrong = any(isinstance(text, str) and _NO_UTF8.search(text) for text in texts)
        return _WRONG if wrong else self.value


def load_spec(
    flags: Mapping[str, object],
    *,
    env: Mapping[str, str] | None = None,
    file: Path | None = None,
    remembered: Mapping[str, object] | None = None,
) -> FabricSpec:
    """Return the spec that all sources make together.

    The sources in the order of their rank: `flags` (None means not given), `env`, the TOML `file`,
    `remembered` (the settings with which the fabric was made), and the defaults. The value of the
    source with the highest rank counts. An implied setting has the rank of the source that implies
    the setting. Relative paths in `file` count from the folder of `file`, others from the current
    folder. Raises UsageError that names the setting, the place where it was given and a right
    value, or the rule that is broken.
    """
    return load_settings(FabricSpec, flags, env=env, file=file, remembered=remembered)


def load_settings(
    model: type[S],
    flags: Mapping[str, object],
    *,
    env: Mapping[str, str] | None = None,
    file: Path | None = None,
    remembered: Mapping[str, object] | None = None,
) -> S:
    """Return the settings of `model`, as `load_spec` does for a fabric's.

    The model `Settings` itself has no rules between settings.
    """
    merged: dict[str, Given] = {}
    for source in (
        _given(_from_wgetrc(), "wgetrc"),
        _given(remembered or {}, "an earlier `up`"),
        _given(_from_file(model, file) if file else {}, str(file)),
        _from_env(model, os.environ if env is None else env),
        _given({key: value for key, value in flags.items() if value is not None}),
    ):
        merged.update(_with_implied(source))
    values = {key: given.value for key, given in merged.items()}
    try:
        return model.model_validate({key: given.checked for key, given in merged.items()})
    except ValidationError as error:
        origins = {key: given.origin for key, given in merged.items()}
        raise usage_error(model, error, values, origins) from error


def _from_file(model: type[Settings], path: Path) -> dict[str, object]:
    """Return the settings in the TOML file `path`; relative paths count from the file's folder."""
    known, folder = definitions(model), path.absolute().parent
    return {
        name: _from_folder(folder, value)
        if name in known and known[name].type is Path and isinstance(value, str) and value
        else value
        for name, value in read_file(path).items()
    }


def _from_folder(folder: Path, path: str) -> str:
    return path if path.startswith("~") else str(folder / path)


def _given(values: Mapping[str, object], origin: str = "the command line") -> dict[str, Given]:
    return {key: Given(value, origin) for key, value in values.items()}


def _with_implied(source: Mapping[str, Given]) -> dict[str, Given]:
    """Return the settings of one source, with the settings that they imply."""
    if implies_caches({key: given.checked for key, given in source.items()}):
        return {**source, "coherence": Given("none", source["check"].origin)}
    return dict(source)


def _from_env(model: type[Settings], env: Mapping[str, str]) -> dict[str, Given]:
    """Return the settings in `env`. FAMULUS_<NAME> wins over the setting's further variables.

    An empty variable counts as absent, but see Kind. The variable of a list has words.
    """
    found = {}
    for name, definition in definitions(model).items():
        if (variable := _variable(definition, env)) is not None:
            value = _from_text(definition, env[variable])
            found[name] = Given(value, f"the environment's {variable}")
    return found


def _variable(definition: Definition, env: Mapping[str, str]) -> str | None:
    own, *further = definition.variables
    if env.get(own) or (own in env and definition.kind.may_be_empty):
        return own
    return next((key for key in further if env.get(key)), None)


def _from_text(definition: Definition, text: str) -> object:
    return text.split() if get_origin(definition.type) is tuple else text


def _from_wgetrc() -> dict[str, object]:
    """Return the proxy that the user's or the system's wgetrc sets, as the script of 2016 did."""
    for path in (Path("~/.wgetrc"), Path("/etc/wgetrc")):
        try:
            text = read_regular(path.expanduser()).decode(errors="replace")
        except (OSError, RuntimeError):
            continue
        if found := re.search(r"^\s*http_?proxy\s*=\s*(\S+)", text, re.MULTILINE | re.IGNORECASE):
            return {"proxy": found[1]}
    return {}
