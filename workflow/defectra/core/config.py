"""Configuration: one pydantic model is the source of the YAML files and of the JSON schema.

Precedence, lowest first: defaults of the model < protocol base < named protocol < study < the
user's files < command line (:func:`merge`, :func:`load`). Shipped protocols and studies are found
from this package, wherever the user's file lies. Everything is validated before any job starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

from defectra.core.errors import ConfigError, meant
from defectra.core.named_files import no_archive, no_mirror
from defectra.core.paths import CONFIG
from defectra.core.protocols import Protocols, protocols_model
from defectra.core.settings import Distinct, Strict, StudySettings
from defectra.core.studies import settings_of, study_names
from defectra.core.yaml_files import Plain, why_no_yaml

PART = "part"  # context of a config that holds what one step needs
SHIPPED = CONFIG
ARCHIVE = "resources/archive"
# Of the command line, for a whole file of the user's.
FILE_KEY = "file"


class Config(Strict):
    """All settings of a run; :func:`config_model` adds the settings of each study."""

    studies: Distinct[str] = Field(["nmc"], min_length=1, description="studies to run")
    seed: int = Field(2501, ge=0, description="seed of every draw")
    archive: str = Field(ARCHIVE, description="folder of calculations computed earlier")
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
                    raise ValueError(
                        f"{study}.{key}: no protocol {name!r}{meant(name, known)}; "
                        f"allowed: {allowed}"
                    )
        return self


@cache
def config_model(studies: tuple[str, ...] | None = None) -> type[Config]:
    """Model of the whole config: the common keys, and one key for each study there is.

    Parameters
    ----------
    studies
        Of these alone; None: of all.
    """
    names = study_names() if studies is None else studies
    fields: dict[str, Any] = {name: (settings_of(name), settings_of(name)()) for name in names}
    chosen = Field(["nmc"], min_length=1, description="studies to run")
    fields["protocols"] = (protocols_model(), Field(default_factory=protocols_model()))
    fields["studies"] = (Distinct[Literal[names]], chosen)  # type: ignore[valid-type]
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


def load(
    path: str | Path | Sequence[str | Path] = "config/config.yaml",
    user: Mapping[str, Any] | None = None,
    run: Path | None = None,
) -> Config:
    """Read the user's file over the shipped study and protocol files, and validate all.

    Parameters
    ----------
    path
        The file that a user edits, or several, of which a later one wins. `studies/*.yaml` and
        `protocols/*.yaml` beside it, if there are any, are merged over the shipped ones.
    user
        Overrides from the command line, which win over every file.
    run
        Folder of the run: archives, mirror and a user's own files are looked for. None: not.

    Raises
    ------
    ConfigError
        In one sentence: file, key, what was given, what is allowed.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    files = {p: _read(p) for p in paths}
    shared, origin = _shared(paths)
    user = user or {}
    _known_keys(user)
    own = {"the command line": user, **{str(p): data for p, data in reversed(files.items())}}
    where = _Sources(own, origin, str(paths[0]))
    try:
        config = config_model().model_validate(merge(shared, *files.values(), user))
    except ValidationError as error:
        raise ConfigError(_explain(error, where)) from None
    lines = [f"{where.file(k.split('.'))}: {k}: {text}" for k, text in _lacks(config, run)]
    if lines:
        raise ConfigError("\n".join(lines))
    return config


def _lacks(config: Config, run: Path | None) -> Iterator[tuple[str, str]]:
    """Key and sentence of what a config names and is not there."""
    if run is None:
        return
    if text := no_archive(config.archive, ARCHIVE):
        yield "archive", text
    if config.mirror and (text := no_mirror(config.mirror, run)):
        yield "mirror", text
    for study in study_names():
        settings: StudySettings = getattr(config, study)
        yield from ((f"{study}.{key}", text) for key, text in settings.lacks(run))


def _shared(paths: Sequence[Path]) -> tuple[dict[str, Any], dict[str, str]]:
    """Protocols and studies: the shipped ones, over them those beside the user's files.

    A `base` beside a user's file is a base for the shipped protocols, too. The second value
    names the last file that has a say in each part.
    """
    folders = [SHIPPED, *(p.resolve().parent for p in paths)]
    origin: dict[str, str] = {}
    found: dict[str, dict[str, Any]] = {"protocols": {}, "studies": {}}
    for folder in dict.fromkeys(folders):
        for kind, parts in found.items():
            for file in sorted((folder / kind).glob("*.yaml")):
                parts[file.stem] = merge(parts.get(file.stem, {}), _read(file))
                origin[f"protocols.{file.stem}" if kind == "protocols" else file.stem] = str(file)
    protocols = {name: _expand(parts) for name, parts in found["protocols"].items()}
    return merge({"protocols": protocols}, found["studies"]), origin


def of_command_line(
    given: Mapping[str, Any],
    files: Sequence[str | Path],
    typed_in: Path,
    mounted: Mapping[str, Any] | None = None,
    run: Path | None = None,
) -> Config:
    """The config that a command line asks for: files, and keys that win over them.

    Parameters
    ----------
    given
        Of ``--config``: `file` names the user's file; any other key is one of the config.
    files
        Of ``--configfile``: the user's files, too; they win over `file`.
    typed_in
        Folder of the command line, which `file` and every `mirror` given here are relative to.
    mounted
        What a Snakefile that mounts this one as a module gives; the command line wins over it.
    run
        As for :func:`load`.

    Raises
    ------
    ConfigError
        In one sentence.
    """
    own = {key: _typed(value) for key, value in given.items() if key != FILE_KEY}
    if own.get("mirror"):
        own["mirror"] = str(typed_in / str(own["mirror"]))
    named = [typed_in / str(given[FILE_KEY])] if given.get(FILE_KEY) else []
    below = {key: value for key, value in (mounted or {}).items() if key != FILE_KEY}
    if below.get("mirror"):
        below["mirror"] = str(typed_in / str(below["mirror"]))
    return load([*named, *files] or SHIPPED / "config.yaml", merge(below, own), run)


def _typed(value: Any) -> Any:
    """Snakemake leaves numbers within a mapping as text: ``{"shards": "3"}``."""
    if isinstance(value, Mapping):
        return {key: _typed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_typed(part) for part in value]
    if not isinstance(value, str):
        return value
    try:
        return yaml.load(value, Plain)  # noqa: S506  a SafeLoader
    except yaml.YAMLError:
        return value


def _known_keys(user: Mapping[str, Any]) -> None:
    allowed = [*config_model().model_fields]
    for key in user:
        if key not in allowed:
            text = ", ".join([FILE_KEY, *allowed])
            raise ConfigError(
                f"--config: {key}: unknown key{meant(key, [FILE_KEY, *allowed])}; allowed: {text}"
            )


def own_or_shipped() -> Path:
    """``config/config.yaml`` of the working folder; where there is none, that of the package."""
    own = Path("config/config.yaml")
    return own if own.is_file() else SHIPPED / "config.yaml"


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Plain)  # noqa: S506  a SafeLoader
    except FileNotFoundError:
        how = f"; `git checkout {path}` brings it back" if SHIPPED in path.parents else ""
        raise ConfigError(f"{path}: no such file{how}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: a folder; name a config file in it") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid YAML: nested too deeply") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {why_no_yaml(error)}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a mapping of keys is expected (`key: value`)")
    return data


def _expand(protocols: Mapping[str, Any]) -> dict[str, Any]:
    base = protocols.get("base", {})
    return {name: merge(base, own or {}) for name, own in protocols.items() if name != "base"}


def _holds(data: Any, loc: tuple[Any, ...]) -> bool:
    for key in loc:
        if isinstance(data, list):
            return True
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


@dataclass(frozen=True)
class _Sources:
    """Where keys come from: what the user gives, highest first; shared parts; the first file."""

    own: Mapping[str, Mapping[str, Any]]
    origin: Mapping[str, str]
    first: str

    def file(self, loc: Sequence[Any]) -> str:
        """The highest file that has a key."""
        key = ".".join(map(str, loc))
        named = [name for name, data in self.own.items() if _holds(data, tuple(loc))]
        shared = [f for part, f in self.origin.items() if f"{key}.".startswith(f"{part}.")]
        return [*named, *shared, self.first][0]


def _explain(error: ValidationError, sources: _Sources) -> str:
    """Sentences that name the file of each mistake."""
    lines = []
    for item in error.errors():
        loc = tuple(p for p in item["loc"] if p not in ("[key]", "list[str]", "literal['all']"))
        key = ".".join(str(p) for p in loc) or "(top level)"
        # a check across studies begins with the key that it means
        where = loc or tuple(item["msg"].removeprefix("Value error, ").split(":")[0].split("."))
        file = sources.file(where)
        lines.append(f"{file}: {key}: {_reason(item, loc)}")
    return "\n".join(dict.fromkeys(lines))


def _reason(item: Any, loc: tuple[Any, ...]) -> str:
    given = repr(item["input"])[:80]
    if item["type"] == "extra_forbidden":
        allowed = _fields_at(loc[:-1])
        return f"unknown key{meant(loc[-1], allowed)}; allowed: {', '.join(allowed)}"
    if item["type"] == "literal_error":
        expected = item["ctx"]["expected"]
        near = meant(item["input"], re.findall(r"'([^']+)'", expected))
        return f"{given} is not known{near}; allowed: {expected}"
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


def leaf(config: Config, *keys: str, without: Sequence[str] = ()) -> str:
    """Canonical JSON of one part of the config: what a rule carries as a parameter.

    Parameters
    ----------
    keys
        Where the part is, e.g. ``"levels", "live"``.
    without
        Keys that the step does not read, such as the resamples of scores where it trains alone.
        `shards` is left out everywhere: jobs that the calculations are dealt into decide no number.
    """
    node: Any = config
    for key in keys:
        node = node[key] if isinstance(node, dict) else getattr(node, key)
    data = node.model_dump(mode="json") if isinstance(node, BaseModel) else node
    return json.dumps(_less(data, {*without, "shards"}), sort_keys=True, default=_plain)


def _less(data: Any, keys: set[str]) -> Any:
    """Mappings without some keys, at any depth."""
    if not isinstance(data, dict):
        return data
    return {key: _less(value, keys) for key, value in data.items() if key not in keys}


def canonical(data: Any) -> str:
    """JSON with sorted keys: equal data, equal text."""
    return json.dumps(data, sort_keys=True)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
