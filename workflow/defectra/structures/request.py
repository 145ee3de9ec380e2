"""A request for structures, as a small YAML file says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from defectra.errors import StructureError
from defectra.settings.base import Strict
from defectra.structures import charges, defects, interstitials, sqs, table
from defectra.structures.colourings import Colourings, orderings
from defectra.structures.crystal import SYMPREC, Crystal
from defectra.structures.identity import Decorated, pristine, with_charge
from defectra.structures.io import read_crystal
from defectra.structures.prototypes import prototype
from defectra.structures.supercells import Supercell, by_atoms, by_distance, by_matrix

Matrix = list[int] | list[list[int]]


class Size(Strict):
    """One of three ways to say how large the supercell is."""

    matrix: Matrix | None = Field(None, description="three repeats, or 3 x 3 integers")
    atoms: int | None = Field(None, ge=1, description="most cubic cell with so many atoms")
    distance: float | None = Field(None, gt=0, description="Å between images, most cubic")

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
    symprec: float = Field(SYMPREC, gt=0, description="Å, for the symmetry of a file")
    supercell: Size = Field(
        Size.model_validate({"matrix": [1, 1, 1]}), description="matrix, atoms or distance"
    )
    composition: dict[str, dict[str, int]] | None = Field(
        None, description="sublattice: species: sites; X is a vacancy"
    )
    limit: int | None = Field(None, ge=1, description="orderings; above it a sample is drawn")
    sample: Literal["uniform", "weighted", "sqs"] = Field(
        "uniform", description="which sample; sqs: one special quasi-random structure (icet)"
    )
    seed: int = Field(0, ge=0, description="of the sample")
    defects: list[str] = Field(
        [], description="vacancies, antisites, V_O, Ni_Li + Li_Ni, Cu_i_oct, ..."
    )
    cutoff: float = Field(4.0, gt=0, description="Å, between the members of a complex")
    voronoi: float | None = Field(None, description="Å, room for Voronoi interstitials")
    charges: Literal["guess"] | list[int] = Field([0], description="charge states of the defects")
    oxidation: dict[str, int] = Field({}, description="oxidation states that win over the guess")

    @model_validator(mode="after")
    def _source(self) -> Request:
        if (self.prototype is None) == (self.file is None):
            raise ValueError("give either prototype or file")
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
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Request.model_validate(data)
    except FileNotFoundError:
        raise StructureError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StructureError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, e['loc'])) or '(top level)'}: "
            f"{e['msg'].removeprefix('Value error, ')} (given: {str(e['input'])[:60]})"
            for e in error.errors()
        ]
        raise StructureError("\n".join(lines)) from None


def crystal_of(request: Request) -> Crystal:
    """Parent crystal of a request, interstitial sites included."""
    if request.file is not None:
        crystal = read_crystal(request.file, symprec=request.symprec)
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
    """Rows of the factory table: every host, then its defects in every charge state."""
    cell = supercell_of(request, crystal_of(request))
    found: Colourings | None = None
    hosts = [pristine(cell)]
    if request.composition:
        found = _orderings(cell, request.composition, request)
        hosts = [
            Decorated(cell, found.species(k), multiplicity=int(found.multiplicity[k]))
            for k in range(len(found))
        ]
    out: list[dict[str, Any]] = []
    for number, host in enumerate(hosts):
        for item in (host, *_defected(host, request)):
            out.append(
                table.row(item, study=request.study, ordering=number, rank=len(out), found=found)
            )
    return out


def _orderings(
    cell: Supercell, composition: dict[str, dict[str, int]], request: Request
) -> Colourings:
    if request.sample == "sqs":
        return sqs.special(cell, composition, seed=request.seed)
    limit, seed = request.limit, request.seed
    return orderings(cell, composition, limit=limit, sample=request.sample, seed=seed)


def _defected(host: Decorated, request: Request) -> Iterator[Decorated]:
    for changes in _wanted(host, request.defects):
        states = (
            charges.guess(host, changes, request.oxidation)
            if request.charges == "guess"
            else request.charges
        )
        for placed in defects.complexes(host, changes, request.cutoff):
            for charge in states:
                yield replace(with_charge(placed, int(charge)), parent=host)


def _wanted(host: Decorated, names: list[str]) -> Iterator[list[defects.Change]]:
    for name in names:
        if name == "vacancies":
            yield from ([c] for c in defects.vacancies(host))
        elif name == "antisites":
            yield from ([c] for c in defects.antisites(host))
        else:
            yield defects.parse(name, host)
