"""Configuration: one pydantic model is the source of the YAML files and of the JSON schema.

Precedence, lowest first: defaults of the model < protocol base < named protocol < study < user
(:func:`merge`). Everything is validated before any job starts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)

from defectra.core.errors import ConfigError
from defectra.core.paths import PROJECT
from defectra.core.protocols import Protocols, protocols_model
from defectra.core.settings import Strict, StudySettings
from defectra.core.studies import settings_of, study_names
from defectra.core.yaml_files import Plain

PART = "part"  # context of a config that holds what one step needs


class Config(Strict):
    """All that a run needs to know; :func:`config_model` adds the settings of each study."""

    studies: list[str] = Field(["nmc"], description="studies to run")
    seed: int = Field(2501, ge=0, description="seed of every draw")
    archive: str = Field("resources/archive", description="calculations done earlier")
    mirror: str | None = Field(None, description="folder with the published data sets")
    protocols: Protocols

    if TYPE_CHECKING:  # settings of a study, by its name

        def __getattr__(self, name: str) -> Any: ...

    @model_validator(mode="after")
    def _known_protocols(self, info: ValidationInfo) -> Config:
        if info.context == PART:
            return self
        for study in study_names():
            settings: StudySettings = getattr(self, study)
            for key, (table, name) in settings.named_protocols().items():
                known = getattr(self.protocols, table)
                if name not in known:
                    allowed = ", ".join(known) or "none"
                    raise ValueError(f"{study}.{key}: no protocol {name!r}; allowed: {allowed}")
        return self


@cache
def config_model() -> type[Config]:
    """Model of the whole config: the common keys, and one key for each study there is."""
    names = study_names()
    fields: dict[str, Any] = {name: (settings_of(name), settings_of(name)()) for name in names}
    chosen = Field(["nmc"], description="studies to run")
    fields["protocols"] = (protocols_model(), Field(default_factory=protocols_model()))
    fields["studies"] = (list[Literal[names]], chosen)  # type: ignore[valid-type]
    model: type[Config] = create_model("Config", __base__=Config, __doc__=Config.__doc__, **fields)
    return model


def part_of_config(data: Mapping[str, Any]) -> Config:
    """Config of the parts that a rule carries; everything else is at its default."""
    return config_model().model_validate(data, context=PART)


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Deep merge; a later layer wins key by key, a list or a scalar replaces as a whole."""
    out: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(out.get(key), Mapping):
                out[key] = merge(out[key], value)
            else:
                out[key] = dict(merge(value)) if isinstance(value, Mapping) else value
    return out


def load(path: str | Path = "config/config.yaml", user: Mapping[str, Any] | None = None) -> Config:
    """Read `config.yaml`, the study and protocol files beside it, and validate all.

    Parameters
    ----------
    path
        The file that a user edits; `studies/*.yaml` and `protocols/*.yaml` lie beside it.
    user
        Overrides from the command line, which win over every file.

    Raises
    ------
    ConfigError
        In one sentence: file, key, what was given, what is allowed.
    """
    path = Path(path)
    origin: dict[str, str] = {}
    layers: list[dict[str, Any]] = []
    for kind in ("protocols", "studies"):
        for file in sorted((path.parent / kind).glob("*.yaml")):
            data = _read(file)
            layer = (
                {"protocols": {file.stem: _expand(data)}}
                if kind == "protocols"
                else {file.stem: data}
            )
            origin[f"protocols.{file.stem}" if kind == "protocols" else file.stem] = str(file)
            layers.append(layer)
    own = _read(path)
    merged = merge(*layers, own, user or {})
    try:
        return config_model().model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, path, own, origin)) from None


def own_or_shipped() -> Path:
    """``config/config.yaml`` of the working folder; where there is none, that of the package."""
    own = Path("config/config.yaml")
    return own if own.is_file() else PROJECT / own


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Plain)  # noqa: S506  a SafeLoader
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `git checkout {path}` brings it back") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid YAML: nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, OSError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a mapping of keys is expected, found {type(data).__name__}")
    return data


def _expand(protocols: Mapping[str, Any]) -> dict[str, Any]:
    base = protocols.get("base", {})
    return {name: merge(base, own or {}) for name, own in protocols.items() if name != "base"}


def _holds(data: Any, loc: tuple[Any, ...]) -> bool:
    for key in loc:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


def _explain(
    error: ValidationError, path: Path, own: Mapping[str, Any], origin: Mapping[str, str]
) -> str:
    lines = []
    for item in error.errors():
        loc = tuple(p for p in item["loc"] if p not in ("[key]", "list[str]", "literal['all']"))
        key = ".".join(str(p) for p in loc) or "(top level)"
        files = [f for prefix, f in origin.items() if key == prefix or key.startswith(prefix + ".")]
        file = path if _holds(own, loc) or not files else files[0]
        lines.append(f"{file}: {key}: {_reason(item, loc)}")
    return "\n".join(dict.fromkeys(lines))


def _reason(item: Any, loc: tuple[Any, ...]) -> str:
    given = repr(item["input"])[:80]
    if item["type"] == "extra_forbidden":
        allowed = ", ".join(_fields_at(loc[:-1]))
        return f"unknown key; allowed: {allowed}"
    if item["type"] == "literal_error":
        return f"{given} is not known; allowed: {item['ctx']['expected']}"
    message = item["msg"].removeprefix("Value error, ")
    return message if item["type"] == "value_error" else f"{message} (given: {given})"


def _fields_at(loc: tuple[Any, ...]) -> list[str]:
    model: Any = config_model()
    for key in loc:
        field = getattr(model, "model_fields", {}).get(key)
        model = field.annotation if field else _value_model(model)
    return list(getattr(model, "model_fields", {})) or ["see config/schema.json"]


def _value_model(annotation: Any) -> Any:
    args = getattr(annotation, "__args__", ())
    return args[-1] if args else annotation


def leaf(config: Config, *keys: str) -> str:
    """Canonical JSON of one part of the config: what a rule carries as a parameter."""
    node: Any = config
    for key in keys:
        node = node[key] if isinstance(node, dict) else getattr(node, key)
    data = node.model_dump(mode="json") if isinstance(node, BaseModel) else node
    return json.dumps(data, sort_keys=True, default=_plain)


def canonical(data: Any) -> str:
    """JSON with sorted keys: equal data, equal text."""
    return json.dumps(data, sort_keys=True)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
