"""Scans: what is asked of engine `abtem`, symmetry of the places, and how rows are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader, array_table
from defectra.core.errors import TableError
from defectra.core.records import Column, Status
from defectra.core.store import read_table
from defectra.engines.abtem.samples import GALLIUM_ARSENIDE, GRAPHENE
from defectra.studies.stem4d.settings import Stem4dStudy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KIND = "stem4d_scan"
SCANS = array_table(
    "stem4d_scans",
    Column("sample", "string", "", "graphene, gallium_arsenide, mono or di (a vacancy)"),
)
REPEAT = {"graphene": [7, 4, 1], "gallium_arsenide": [3, 3, 2]}
CELLS = {  # primitive vectors of the projected lattice, Å, rows
    "graphene": GRAPHENE * np.array([[1.0, 0.0], [0.5, np.sqrt(3) / 2]]),
    "gallium_arsenide": GALLIUM_ARSENIDE / 2 * np.eye(2),
}
# Sites of the projected cell, fractional; the first two are compared.
SITES = {
    "graphene": {"A": (0.0, 0.0), "B": (2 / 3, 2 / 3), "hollow": (1 / 3, 1 / 3)},
    "gallium_arsenide": {"Ga": (0.0, 0.0), "As": (0.5, 0.5), "between": (0.5, 0.0)},
}
# Point operations about the first site, on fractional coordinates; proper rotations first.
_SQUARE = np.array([[0, -1], [1, 0]])
_HEXAGONAL = np.array([[-1, 1], [-1, 0]])  # by 120 degrees
OPERATIONS = {
    "graphene": (_HEXAGONAL, np.array([[0, 1], [1, 0]])),
    "gallium_arsenide": (_SQUARE, np.array([[0, 1], [1, 0]])),
}


@dataclass(frozen=True)
class Scan:
    """Patterns of one scan.

    Attributes
    ----------
    patterns
        Shape (n, k_y, k_x).
    places
        Å, shape (n, 2).
    atoms
        Å and atomic number, shape (m, 4).
    step
        Of the pixels, mrad, (k_y, k_x).
    calculation_id
        Calculation behind it.
    """

    sample: str
    protocol: str
    patterns: Floats
    places: Floats
    atoms: Floats
    step: Floats
    calculation_id: str


def cell_places(sample: str, number: int) -> tuple[Floats, Floats]:
    """Places over one primitive cell in the middle of the sample.

    Returns
    -------
    Places in Å from the corner of the sample, and fractional from the first site, (n, 2) each.
    """
    steps = np.arange(number) / number
    fractional = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    edges = np.array([GRAPHENE, np.sqrt(3) * GRAPHENE])
    if sample == "gallium_arsenide":
        edges = np.array([GALLIUM_ARSENIDE, GALLIUM_ARSENIDE])
    origin = edges * (np.array(REPEAT[sample][:2]) // 2)
    return origin + fractional @ CELLS[sample], fractional


def orbits(sample: str, fractional: Floats, mirrors: bool) -> Ints:
    """Number of the set of equivalent places that each place belongs to, shape (n,).

    Parameters
    ----------
    mirrors
        Whether mirror images count as equivalent; rotations always do.
    """
    number = round(np.sqrt(len(fractional)))
    cells = np.rint(fractional * number).astype(int)
    maps = _maps(sample, number, mirrors)
    label = np.arange(len(cells))
    for _ in range(len(cells)):
        before = label.copy()
        for move in maps:
            there = move(cells) % number
            index = there[:, 0] * number + there[:, 1]
            low = np.minimum(label, label[index])
            label = low.copy()
            np.minimum.at(label, index, low)
        if (label == before).all():
            return label
    return label


def _maps(sample: str, number: int, mirrors: bool) -> list[Any]:
    rotation, mirror = OPERATIONS[sample]
    turns = [lambda c: c @ rotation]
    if sample == "graphene":  # by 180 degrees about the hollow: A becomes B
        shift = round(2 * number / 3)
        turns.append(lambda c: shift - c)
    if mirrors:
        turns.append(lambda c: c @ mirror)
    return turns


def window_places(study: Stem4dStudy) -> Floats:
    """Places of the window about the middle of graphene, Å, shape (n, 2)."""
    edges = np.array([GRAPHENE, np.sqrt(3) * GRAPHENE]) * REPEAT["graphene"][:2]
    half = study.scan.window / 2
    axis = np.linspace(-half, half, study.scan.window_points)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    return edges / 2 + grid


def asked(sample: str, study: Stem4dStudy, seed: int) -> dict[str, Any]:
    """Input of engine `abtem` of a scan, without its protocol."""
    vacancy = sample if sample in ("mono", "di") else "none"
    kind = sample if vacancy == "none" else "graphene"
    places = window_places(study)
    if vacancy == "none":
        places = cell_places(sample, study.scan.cell_points)[0]
    return {
        "sample": {"kind": kind, "vacancy": vacancy, "repeat": REPEAT[kind]},
        "places": places.round(6).tolist(),
        **study.microscope.model_dump(),
        "seed": seed,
    }


def samples_of(protocol: str, study: Stem4dStudy) -> Iterator[str]:
    """Samples that are computed at a protocol: gallium arsenide without noise alone."""
    yield "graphene"
    if protocol in study.methods:
        yield "gallium_arsenide"
    if protocol == study.methods[0] or protocol in study.doses:
        yield from ("mono", "di")


def read_scans(path: str | Path) -> dict[tuple[str, str], Scan]:
    """Finished scans by sample and protocol.

    Raises
    ------
    TableError
        If there is none.
    """
    rows = [r for r in read_table(path, SCANS) if r["status"] == Status.OK]
    if not rows:
        raise TableError(f"{path}: no finished scan")
    with ArrayReader(Path(path).parent) as arrays:
        return {(r["sample"], r["protocol"]): _scan(r, arrays) for r in rows}


def _scan(row: Mapping[str, Any], arrays: ArrayReader) -> Scan:
    found = {name: np.asarray(a, float) for name, a in arrays.of(dict(row)).items()}
    return Scan(row["sample"], row["protocol"], calculation_id=row["calculation_id"], **found)


def missing_atoms(scan: Scan, whole: Scan) -> Floats:
    """Places of the atoms that a scan lacks beside a whole sheet, Å, shape (k, 2)."""
    count = len(whole.atoms) - len(scan.atoms)
    if count <= 0:
        return np.empty((0, 2))
    away = np.sqrt(((whole.atoms[:, None, :2] - scan.atoms[None, :, :2]) ** 2).sum(-1)).min(1)
    return whole.atoms[np.argsort(-away, kind="stable")[:count], :2]
