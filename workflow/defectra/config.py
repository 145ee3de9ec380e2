"""Configuration: one pydantic model is the source of the YAML files and of the JSON schema.

Precedence, lowest first: defaults of the model < protocol base < named protocol < study < user
(:func:`merge`). Everything is validated before any job starts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from defectra.composition import all_compositions, parse_composition
from defectra.errors import ConfigError
from defectra.records import Defect

EdgeName = Literal["Li K", "O K", "Mn K", "Co K", "Ni K", "Mn L3", "Co L3", "Ni L3"]


Element = Literal["Li", "O", "Mn", "Co", "Ni"]


class Strict(BaseModel):
    """Base of every model: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FeffProtocol(Strict):
    """One fidelity of FEFF10. Radii in Å."""

    description: str = Field("", description="what it is for, and its measured bias")
    scf_radius: float = Field(2.4, gt=1, le=8, description="Å, cluster of the potentials")
    scf_iterations: int = Field(80, ge=1, le=200, description="at most")
    mixing: float = Field(0.1, gt=0, le=0.9, description="first attempt")
    safer_mixing: float = Field(0.05, gt=0, le=0.9, description="second attempt")
    fms_radius: float = Field(5.4, gt=1, le=10, description="Å, full multiple scattering")
    basis: Literal["compact", "full"] = Field("compact", description="lmax of each species")
    core_hole: dict[Element, Literal["RPA", "FSR", "NONE"]] = Field(
        {"Li": "FSR", "O": "FSR", "Mn": "RPA", "Co": "RPA", "Ni": "RPA"},
        description="core hole of each absorber: final state rule, or screened linear response",
    )
    k_max: float = Field(3.5, gt=1, le=8, description="1/Å, end of the spectrum")
    k_step: float = Field(0.1, gt=0.01, le=0.2, description="1/Å, step away from the edge")
    timeout_s: float = Field(1800, gt=0, description="s, then the attempt counts as failed")


class ChgnetProtocol(Strict):
    """Relaxation with CHGNet, cell included."""

    description: str = Field("", description="what it is for")
    fmax: float = Field(0.1, gt=0, description="eV/Å")
    steps: int = Field(300, ge=1, description="at most")
    relax_cell: bool = Field(True, description="relax the cell as well")
    rattle: float = Field(0.02, ge=0, description="Å, seeded displacement that breaks symmetry")
    from_parent: bool = Field(
        False, description="no relaxation: the fully lithiated parent's sites and cell are kept"
    )


class Protocols(Strict):
    """Named fidelities of each engine."""

    feff: dict[str, FeffProtocol]
    chgnet: dict[str, ChgnetProtocol]


class Grid(Strict):
    """Energy grid of one edge, its declared shift and its extra broadening."""

    start: float = Field(description="eV")
    stop: float = Field(description="eV")
    step: float = Field(0.2, gt=0, description="eV")
    shift: float = Field(
        0.0, description="eV, added to the axis of the engine; declared, not fitted"
    )
    fwhm: float = Field(1.0, ge=0, description="eV, Gaussian, on top of the core-hole width")

    @model_validator(mode="after")
    def _ordered(self) -> Grid:
        if self.stop <= self.start + self.step:
            raise ValueError(f"stop ({self.stop}) must lie above start ({self.start})")
        return self


class NmcStructures(Strict):
    """What the study draws from: every combination, in a seeded order."""

    metals: int = Field(10, ge=3, le=40, description="metal sites of the cell, 5 x 2 x 1 = 10")
    compositions: list[str] | Literal["all"] = Field(
        "all", description="e.g. [NMC622, Ni7Mn2Co1]; all = each of Ni, Mn, Co at least once"
    )
    orderings: int = Field(4, ge=1, description="seeded orderings of each composition")
    lithium: list[float] = Field(
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], description="per metal site"
    )
    defects: list[Defect] = Field(list(Defect), description="kinds")
    count: int | None = Field(17, ge=1, description="how many in all; null: no limit")
    per_composition: int | None = Field(
        None, ge=1, description="how many of each composition; null: no limit"
    )

    @model_validator(mode="after")
    def _ends(self) -> NmcStructures:
        if self.count is None and self.per_composition is None:
            raise ValueError("give count, per_composition or both; without them there is no end")
        return self

    @property
    def names(self) -> list[str]:
        """Canonical composition names, e.g. ``Ni6Mn2Co2``."""
        if self.compositions == "all":
            return all_compositions(self.metals)
        return [parse_composition(c, self.metals) for c in self.compositions]

    @model_validator(mode="after")
    def _fits(self) -> NmcStructures:
        for name in [] if self.compositions == "all" else self.compositions:
            parse_composition(name, self.metals)
        for x in self.lithium:
            if abs(x * self.metals - round(x * self.metals)) > 1e-6 or not 0 < x <= 1:
                raise ValueError(
                    f"lithium content {x} does not fit {self.metals} lithium sites; "
                    f"allowed: multiples of 1/{self.metals} from 1/{self.metals} to 1"
                )
        return self


class ModelSettings(Strict):
    """Gradient boosting, cross-validation, bootstrap."""

    trees: int = Field(300, ge=1)
    depth: int = Field(3, ge=1)
    learning_rate: float = Field(0.05, gt=0, le=1)
    subsample: float = Field(0.8, gt=0, le=1)
    column_sample: float = Field(0.3, gt=0, le=1)
    folds: int = Field(5, ge=2)
    repeats: int = Field(3, ge=1, description="seeds; the scores are pooled over them")
    bootstrap: int = Field(1000, ge=10, description="resamples over groups")


class LithiumSeries(Strict):
    """Structures that answer one question: what does taking lithium out do to the spectra?"""

    composition: str = Field("Ni6Mn2Co2")
    orderings: int = Field(
        5, ge=0, description="seeded, equal ones count once; 0 leaves the series out"
    )
    lithium: list[float] = Field([1.0, 0.2])
    edges: list[EdgeName] = Field(["Ni K", "O K"])
    sites: dict[Element, int] = Field({"Ni": 3, "O": 1}, description="sites of each element")


class NmcStudy(Strict):
    """Study `nmc`: NMC oxides from several edges at once (arXiv:2501.08919)."""

    structures: NmcStructures = NmcStructures()
    geometry: Literal["chgnet", "vegard"] = Field(
        "chgnet", description="geometry protocol; never two in one training table"
    )
    engine: Literal["feff", "synthetic"] = Field(
        "feff", description="synthetic: no physics, for tests of the workflow itself"
    )
    protocol: str = Field("fast", description="a protocol of engine feff")
    ladder: str = Field("balanced", description="dearer protocol for the first structures")
    ladder_every: int = Field(
        4, ge=0, description="every n-th structure also at the ladder protocol; 0: none"
    )
    live_geometries: bool = Field(
        False, description="relax what the archive does not hold (needs `make engines`)"
    )
    edges: dict[EdgeName, Grid] = Field(
        default={
            "Li K": Grid(start=52, stop=80, fwhm=0.8),
            "O K": Grid(start=528.9, stop=562.1, fwhm=1.0),
            "Mn K": Grid(start=6535, stop=6580, step=0.25, shift=-2.2, fwhm=1.5),
            "Co K": Grid(start=7705, stop=7750, step=0.25, fwhm=1.5),
            "Ni K": Grid(start=8330, stop=8375, step=0.25, shift=-4.2, fwhm=1.5),
            "Mn L3": Grid(start=635.1, stop=675.1),
            "Co L3": Grid(start=775.1, stop=815.1),
            "Ni L3": Grid(start=853.1, stop=880.1),
        },
        description="grids, shifts, widths",
    )
    sites: dict[Element, int] = Field(
        {"Li": 1, "O": 2, "Mn": 1, "Co": 1, "Ni": 1}, description="sites of each element"
    )
    shards: int = Field(8, ge=1, description="chunks of each protocol; fixed once begun")
    drift_sample: int = Field(3, ge=0, description="archived calculations recomputed live")
    max_failed: float = Field(0.2, ge=0, le=1, description="fraction of failures that stops a run")
    lithium_series: LithiumSeries = LithiumSeries()
    model: ModelSettings = ModelSettings()

    @field_validator("sites")
    @classmethod
    def _positive(cls, value: dict[str, int]) -> dict[str, int]:
        for element, n in value.items():
            if n < 1:
                raise ValueError(f"sites.{element} is {n}; at least 1")
        return value

    @model_validator(mode="after")
    def _sites_for_edges(self) -> NmcStudy:
        missing = {e.split()[0] for e in self.edges} - set(self.sites)
        if missing:
            raise ValueError(f"sites: no number of sites for {', '.join(sorted(missing))}")
        return self


class Config(Strict):
    """All that a run needs to know."""

    studies: list[Literal["nmc"]] = Field(["nmc"], description="studies to run")
    seed: int = Field(2501, ge=0, description="seed of every draw")
    archive: str = Field("resources/archive", description="calculations done earlier")
    mirror: str | None = Field(None, description="folder with the published data sets")
    nmc: NmcStudy = NmcStudy()
    protocols: Protocols

    @model_validator(mode="after")
    def _known_protocols(self) -> Config:
        for key in ("protocol", "ladder"):
            name = getattr(self.nmc, key)
            if name not in self.protocols.feff:
                raise ValueError(
                    f"nmc.{key}: no protocol {name!r}; allowed: {', '.join(self.protocols.feff)}"
                )
        return self


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
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, path, own, origin)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `git checkout {path}` brings it back") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
    model: Any = Config
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


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
