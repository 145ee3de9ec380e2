"""A request for structures, as a small YAML file says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StrictInt, ValidationError, field_validator, model_validator

from defectra.core.errors import StructureError, meant
from defectra.core.paths import why_no_file
from defectra.core.settings import Strict
from defectra.core.yaml_files import Plain, why_no_yaml
from defectra.structures import charges, defects, interstitials, sqs, table
from defectra.structures.colourings import LARGEST, Colourings, orderings, pose
from defectra.structures.crystal import SYMPREC, VACANCY, Crystal, check_element
from defectra.structures.identity import Decorated, pristine, with_charge
from defectra.structures.io import read_crystal
from defectra.structures.prototypes import prototype
from defectra.structures.supercells import Supercell, by_atoms, by_distance, by_matrix

Number = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Charge = Annotated[int, Field(strict=True, ge=-100, le=100)]


class Size(Strict):
    """One of three ways to say how large the supercell is."""

    matrix: list[Any] | None = Field(None, description="three repeats, or 3 x 3 integers")
    atoms: int | None = Field(None, ge=1, description="most cubic cell with so many atoms")
    distance: Number | None = Field(None, description="Å between images, most cubic")

    @field_validator("matrix")
    @classmethod
    def _whole(cls, given: list[Any] | None) -> list[Any] | None:
        rows = [r if isinstance(r, list) else [r] for r in given or []]
        whole = all(type(v) is int for row in rows for v in row)
        if given is not None and not (whole and [len(r) for r in rows] in ([1] * 3, [3] * 3)):
            raise ValueError("three repeats, or three lists of three whole numbers")
        return given

    @model_validator(mode="after")
    def _one(self) -> Size:
        given = [v for v in (self.matrix, self.atoms, self.distance) if v is not None]
        if len(given) != 1:
            raise ValueError(f"give one of matrix, atoms, distance (given: {len(given)})")
        return self


class Request(Strict):
    """What to make; every key but `prototype` or `file` has a default."""

    study: str = Field("own", description="name in the table")
    prototype: str | None = Field(None, description="rocksalt, zincblende, layered, ...")
    constants: dict[str, float | str] = Field({}, description="of the prototype: a, cation, ...")
    file: Path | None = Field(None, description="CIF, POSCAR, ... instead of a prototype")
    block: str | None = Field(None, description="data block of a CIF with several crystals")
    symprec: float = Field(SYMPREC, ge=1e-6, le=1, description="Å, for the symmetry of a file")
    supercell: Size = Field(
        Size.model_validate({"matrix": [1, 1, 1]}), description="matrix, atoms or distance"
    )
    composition: dict[str, dict[str, StrictInt]] | None = Field(
        None, description="sublattice: species: sites; X is a vacancy"
    )
    limit: int | None = Field(
        None, ge=1, le=LARGEST, description="orderings; above it a sample is drawn"
    )
    sample: Literal["uniform", "weighted", "sqs"] = Field(
        "uniform", description="which sample; sqs: one special quasi-random structure (icet)"
    )
    seed: int = Field(0, ge=0, description="of the sample")
    defects: list[str] = Field(
        [], description="vacancies, antisites, V_O, Ni_Li + Li_Ni, Cu_i_oct, ..."
    )
    cutoff: Number = Field(4.0, description="Å, between the members of a complex")
    voronoi: Number | None = Field(None, description="Å, room for Voronoi interstitials")
    charges: Literal["guess"] | list[Charge] = Field(
        [0], min_length=1, description="guess, or a list: charge states of the defects"
    )
    oxidation: dict[str, StrictInt] = Field({}, description="states that win over the guess")

    @model_validator(mode="after")
    def _source(self) -> Request:
        if (self.prototype is None) == (self.file is None):
            raise ValueError("give either prototype or file")
        if self.block is not None and self.file is None:
            raise ValueError("block names a data block of a file; give file")
        return self


def load(path: str | Path) -> Request:
    """Read a request.

    Raises
    ------
    StructureError
        Naming the file, the key, and what was given.
    """
    path = Path(path)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Plain)  # noqa: S506  a SafeLoader
        if not isinstance(data, dict):
            raise StructureError(
                f"{path}: no request (YAML with keys such as `prototype: rocksalt`) and no table "
                "(Parquet); to start from a crystal, write `file: my.cif` into a request"
            )
        return Request.model_validate(data)
    except FileNotFoundError:
        raise StructureError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise StructureError(f"{path}: {why_no_file(path)}") from None
    except OSError as error:
        raise StructureError(f"{path}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise StructureError(f"{path}: not valid YAML: nested too deeply") from None
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, e['loc'])) or '(top level)'}: {_reason(e)}"
            for e in error.errors()
        ]
        raise StructureError("\n".join(lines)) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise StructureError(f"{path}: not valid YAML: {why_no_yaml(error)}") from None


def _reason(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        known = list(Request.model_fields) if len(item["loc"]) == 1 else []
        allowed = f"; allowed: {', '.join(known)}" if known else ""
        return f"unknown key{meant(item['loc'][-1], known)}{allowed}"
    return f"{item['msg'].removeprefix('Value error, ')} (given: {str(item['input'])[:60]})"


def crystal_of(request: Request) -> Crystal:
    """Parent crystal of a request, interstitial sites included."""
    if request.file is not None:
        crystal = read_crystal(request.file, symprec=request.symprec, block=request.block)
    else:
        crystal = prototype(str(request.prototype), **request.constants)
    return interstitials.voronoi(crystal, request.voronoi) if request.voronoi else crystal


def supercell_of(request: Request, crystal: Crystal) -> Supercell:
    """Supercell of a request."""
    size = request.supercell
    if size.matrix is not None:
        return by_matrix(crystal, size.matrix)
    if size.atoms is not None:
        return by_atoms(crystal, size.atoms)
    return by_distance(crystal, float(size.distance or 0))


def rows(request: Request) -> list[dict[str, Any]]:
    """Rows of the factory table: every host, then its defects in every charge state.

    Raises
    ------
    StructureError
        If the request cannot be met; before work starts wherever it can be known.
    """
    cell = supercell_of(request, crystal_of(request))
    _check(request, cell)
    found: Colourings | None = None
    hosts = [pristine(cell)]
    if request.composition:
        found = _orderings(cell, request.composition, request)
        hosts = [
            Decorated(cell, found.species(k), multiplicity=int(found.multiplicity[k]))
            for k in range(len(found))
        ]
    absent: Counter[str] = Counter()
    out: list[dict[str, Any]] = []
    for number, host in enumerate(hosts):
        for item in (host, *_defected(host, request, absent)):
            out.append(
                table.row(item, study=request.study, ordering=number, rank=len(out), found=found)
            )
    nowhere = [text for text, times in absent.items() if times >= len(hosts)]
    if nowhere:
        raise StructureError("\n".join(nowhere))
    return out


def rows_of_file(path: str | Path, request: Request) -> list[dict[str, Any]]:
    """Rows of a request that was read from a file; what cannot be met names the file.

    Raises
    ------
    StructureError
        As :func:`rows`.
    """
    try:
        return rows(request)
    except StructureError as error:
        lines = str(error).splitlines()
        raise StructureError("\n".join(f"{path}: {line}" for line in lines)) from None


def _orderings(
    cell: Supercell, composition: dict[str, dict[str, int]], request: Request
) -> Colourings:
    if request.sample == "sqs":
        return sqs.special(cell, composition, seed=request.seed)
    limit, seed = request.limit, request.seed
    return orderings(cell, composition, limit=limit, sample=request.sample, seed=seed)


def _check(request: Request, cell: Supercell) -> None:
    """Composition, names of defects and size of the cell, on one filling of the sublattices."""
    for element in request.oxidation:
        check_element(element, "oxidation")
    species = list(cell.species)
    for sublattice, amounts in (request.composition or {}).items():
        for element in amounts:
            check_element(element, f"composition of {sublattice}")
    if request.composition:
        pose(cell, request.composition)
        for sublattice, amounts in request.composition.items():
            own = [s for s, n in amounts.items() for _ in range(n)]
            for site, element in zip(cell.sites_of(sublattice), own):
                species[site] = element
    host = Decorated(cell, tuple(species))
    if set(species) <= {VACANCY}:
        raise StructureError("no atom is left: every site is to be empty")
    for changes in _wanted(host, request.defects):
        defects.check_size(host, changes, request.cutoff)


def _defected(host: Decorated, request: Request, absent: Counter[str]) -> Iterator[Decorated]:
    """Defects of a host; a complex that an ordering has no room for is noted in `absent`."""
    for changes in _wanted(host, request.defects):
        states = (
            charges.guess(host, changes, request.oxidation)
            if request.charges == "guess"
            else request.charges
        )
        try:
            placements = defects.complexes(host, changes, request.cutoff)
        except defects.NoSiteError as error:
            absent[str(error)] += 1
            continue
        for defect in placements:
            for charge in states:
                yield replace(with_charge(defect, int(charge)), parent=host)


def _wanted(host: Decorated, names: list[str]) -> Iterator[list[defects.Change]]:
    for name in names:
        if name == "vacancies":
            yield from ([c] for c in defects.vacancies(host))
        elif name == "antisites":
            yield from ([c] for c in defects.antisites(host))
        else:
            yield defects.parse(name, host)
