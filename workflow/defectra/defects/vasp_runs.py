"""VASP runs of defects as rows of CELL_RUNS, wherever they lie and whatever they are called.

Readers are pymatgen's. What a folder holds is told from its files alone: charge from NELECT and
the valences, the defect from the cell against that of the bulk, so that a moved, renamed or
gzipped folder gives the same row.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.records import Origin, Status
from defectra.core.textfiles import read_text
from defectra.defects.levels import Cells, Host, corrected, levels_or_bare, structure
from defectra.engines.finished.columns import number
from defectra.structures.elements import sublattices

if TYPE_CHECKING:
    from pymatgen.core import Structure

Row = dict[str, Any]
WINDOW_EV = 3.0
MATCH_A = 0.9  # an atom that moved farther from every bulk site is an interstitial
SAME_SHELL_A = 0.15
_VERSION = "1"


@dataclass(frozen=True)
class Found:
    """One defect in a host: removed and placed species, site name, fractional centre."""

    site: str
    impurity: str
    centre: tuple[float, ...]


def folders(root: Path) -> Iterator[tuple[Path, Path | None]]:
    """Each vasprun.xml below `root`, gzipped or not, with the OUTCAR beside it."""
    for xml in sorted(root.rglob("vasprun.xml*")):
        if xml.name in ("vasprun.xml", "vasprun.xml.gz"):
            beside = [p for n in ("OUTCAR", "OUTCAR.gz") if (p := xml.with_name(n)).is_file()]
            yield xml, beside[0] if beside else None


def run_files(root: Path) -> list[Path]:
    """What :func:`levels_of_folder` reads: input of the rule, so that a new run is seen."""
    return [p for pair in folders(root) for p in pair if p is not None]


def read_tree(root: Path) -> tuple[list[Row], list[dict[str, str]]]:
    """Rows of every run below `root`, and what was left out with its reason.

    The same run found twice counts once.
    """
    rows: dict[str, Row] = {}
    left_out = []
    for xml, outcar in folders(root):
        where = str(xml.relative_to(root))
        try:
            row = read(xml, outcar)
        except EngineError as error:
            left_out.append({"source": where, "reason": str(error)})
            continue
        if row["calculation_id"] in rows:
            left_out.append({"source": where, "reason": "the same run was read before"})
        rows.setdefault(row["calculation_id"], row)
    return list(rows.values()), left_out


def read(xml: Path, outcar: Path | None) -> Row:
    """One run.

    Raises
    ------
    EngineError
        ``truncated_output`` if pymatgen cannot read it, ``no_charge`` if valences are not told,
        ``blank_energy``, ``no_mesh``.
    """
    run = _vasprun(xml)
    cell = run.final_structure
    electrons = float(run.parameters.get("NELECT", 0.0))
    neutral = sum(_valences(xml)[str(s)] for s in run.atomic_symbols)
    charge = round(neutral - electrons)
    if not electrons or abs(neutral - electrons - charge) > 1e-3:
        raise EngineError("no_charge", f"{xml.name}: NELECT {electrons:g} of {neutral:g} electrons")
    energy = float(run.final_energy)
    if not np.isfinite(energy) or energy == 0:
        raise EngineError("blank_energy", f"{xml.name}: energy {energy} is a blank")
    row: Row = {
        "structure_id": "",
        "charge": charge,
        "functional": str(run.run_type),
        "cutoff_eV": float(run.parameters["ENMAX"]),
        "kpoints": _mesh(run, xml),
        "lattice": np.round(cell.lattice.matrix, 6).ravel().tolist(),
        "species": [s.specie.symbol for s in cell],
        "coords": np.round(cell.frac_coords, 6).ravel().tolist(),
        "energy_eV": energy,
        "fermi_eV": float(run.efermi) if run.efermi is not None else float("nan"),
        "electrons": electrons,
        "potentials_V": _potentials(outcar, len(cell)) if outcar else [],
        **_states(run),
        "engine_version": f"VASP {run.vasp_version}",
        "status": str(Status.OK if run.converged else Status.UNCONVERGED),
        "message": "" if outcar else "no OUTCAR: no potentials, no correction",
        "wall_s": 0.0,
        "cpu_s": 0.0,
        "origin": str(Origin.PARSED),
    }
    identity = {k: row[k] for k in ("charge", "functional", "cutoff_eV", "species", "energy_eV")}
    row["request"] = json.dumps({"parser": _VERSION, **identity}, sort_keys=True)
    text = row["request"] + json.dumps([row["lattice"], row["coords"], row["kpoints"]])
    row["calculation_id"] = hashlib.sha256(text.encode()).hexdigest()
    return row


def _vasprun(path: Path) -> Any:
    from pymatgen.io.vasp.outputs import UnconvergedVASPWarning, Vasprun

    try:
        with warnings.catch_warnings():  # the row says it: run.converged
            warnings.simplefilter("ignore", UnconvergedVASPWarning)
            return Vasprun(str(path), parse_dos=False, parse_potcar_file=False)
    except Exception as error:  # the parsers of others raise whatever comes
        text = " ".join(str(error).split())
        raise EngineError("truncated_output", f"{path.name} cannot be read: {text}") from None


def _valences(path: Path) -> dict[str, float]:
    """Valence electrons of each species, from the table of atom types."""
    table = re.search(r'<array name="atomtypes"\s*>(.*?)</array>', read_text(path), re.S)
    rows = re.findall(r"<rc>(.*?)</rc>", table.group(1), re.S) if table else []
    cells = [[c.strip() for c in re.findall(r"<c>(.*?)</c>", row)] for row in rows]
    if cells and all(len(c) > 3 for c in cells):
        return {c[1].split("_")[0]: number(c[3], path) for c in cells}
    raise EngineError("no_charge", f"{path.name}: no table of atom types")


def _mesh(run: Any, path: Path) -> str:
    mesh = run.kpoints.kpts[0] if run.kpoints is not None else ()
    if len(run.actual_kpoints) == 1:
        return "1 1 1"
    if len(mesh) != 3 or any(k != int(k) or k < 1 for k in mesh):
        raise EngineError("no_mesh", f"{path.name}: k-points that are no mesh")
    return " ".join(str(int(k)) for k in mesh)


def _potentials(path: Path, count: int) -> list[float]:
    """Potentials at the cores on a positive charge: VASP prints those of an electron."""
    from pymatgen.io.vasp.outputs import Outcar

    try:
        found = Outcar(str(path)).electrostatic_potential
    except Exception as error:  # as above
        text = " ".join(str(error).split())
        raise EngineError("truncated_output", f"{path.name} cannot be read: {text}") from None
    if found is None or len(found) != count:
        raise EngineError(
            "potentials", f"{path.name}: {len(found or [])} potentials for {count} atoms"
        )
    return [-float(v) for v in found]


def _states(run: Any) -> Row:
    energy: list[float] = []
    filling: list[float] = []
    weight: list[float] = []
    share = 2.0 / len(run.eigenvalues)
    for bands in run.eigenvalues.values():
        for k, point in enumerate(np.asarray(bands)):
            near = np.abs(point[:, 0] - (run.efermi or 0.0)) < WINDOW_EV
            energy += point[near, 0].tolist()
            filling += point[near, 1].tolist()
            weight += [share * float(run.actual_kpoints_weights[k])] * int(near.sum())
    return {"state_eV": energy, "state_filling": filling, "state_weight": weight}


def bulk_of(rows: list[Row], host: str) -> Row:
    """The run of the host without a defect.

    Raises
    ------
    EngineError
        ``no_bulk`` if there is none, or several that differ in more than place.
    """
    first, second = sublattices(host)
    found = []
    for row in rows:
        counts: Counter[str] = Counter(row["species"])
        whole = set(counts) == {first, second} and len(set(counts.values())) == 1
        if whole and row["charge"] == 0:
            found.append(row)
    if len(found) != 1:
        raise EngineError("no_bulk", f"{len(found)} runs of pure, neutral {host}; one is needed")
    return found[0]


def identify(row: Mapping[str, Any], bulk: Mapping[str, Any], host: str) -> Found:
    """Which impurity sits on which site.

    Raises
    ------
    EngineError
        ``unknown_defect`` if it is no single substitution, vacancy or interstitial.
    """
    own, pure = structure(row), structure(bulk)
    if not np.allclose(own.lattice.matrix, pure.lattice.matrix, atol=1e-2):
        raise EngineError("mixed_cells", "the lattices of defect and bulk differ")
    gaps = own.lattice.get_all_distances(own.frac_coords, pure.frac_coords)
    nearest = gaps.argmin(axis=1)
    extra = [i for i in range(len(own)) if gaps[i].min() > MATCH_A]
    swapped = [
        i
        for i in range(len(own))
        if i not in extra and own[i].specie != pure[int(nearest[i])].specie
    ]
    empty = [j for j in range(len(pure)) if gaps[:, j].min() > MATCH_A]
    first = sublattices(host)[0]
    if len(extra) == 1 and not swapped and not empty:
        where = own[extra[0]].frac_coords
        return Found(_hollow(where, pure, host), own[extra[0]].specie.symbol, tuple(where))
    changed = [int(nearest[swapped[0]])] if swapped else empty
    if len(swapped) + len(empty) != 1 or extra:
        raise EngineError(
            "unknown_defect",
            f"{len(swapped)} atoms exchanged, {len(extra)} added, {len(empty)} missing: one change "
            "alone is a point defect",
        )
    gone = pure[changed[0]]
    name = own[swapped[0]].specie.symbol if swapped else "vacancy"
    return Found(
        "M_A" if gone.specie.symbol == first else "M_B", name, tuple(map(float, gone.frac_coords))
    )


def _hollow(where: Any, pure: Structure, host: str) -> str:
    distance = pure.lattice.get_all_distances([where], pure.frac_coords)[0]
    shell = {
        pure[int(j)].specie.symbol for j in np.flatnonzero(distance < distance.min() + SAME_SHELL_A)
    }
    if len(shell) > 1:
        return "M_i_neut"
    return "M_i_A" if shell == {sublattices(host)[0]} else "M_i_B"


def levels_of_folder(
    root: Path, host: str, dielectric: NDArray[np.float64], coefficient: float
) -> tuple[list[Row], list[dict[str, str]]]:
    """Levels of every defect below `root`, in the columns of LIVE_LEVELS, and what was left out.

    Parameters
    ----------
    dielectric
        Tensor, shape (3, 3): electronic for unrelaxed cells, static for relaxed ones.

    Raises
    ------
    EngineError
        If there is no folder, or no bulk in it.
    """
    if not root.is_dir():
        raise EngineError("no_folder", f"{root}: no such folder (levels.live.parsed)")
    rows, left_out = read_tree(root)
    bulk = bulk_of(rows, host)
    sets: dict[tuple[str, str], list[tuple[Row, Found]]] = {}
    for row in rows:
        if row is bulk:
            continue
        try:
            found = identify(row, bulk, host)
        except EngineError as error:
            left_out.append({"source": row["calculation_id"][:12], "reason": str(error)})
            continue
        sets.setdefault((found.site, found.impurity), []).append((row, found))
    out: list[Row] = []
    for (site, impurity), members in sets.items():
        cells = Cells(bulk, [row for row, _ in members], members[0][1].centre)
        same: Row = {"host": host, "site": site, "impurity": impurity}
        same |= {"atoms": len(bulk["species"]), "published_eV": float("nan")}
        same["protocol"] = str(Origin.PARSED)
        same["fidelity"] = f"{bulk['functional']}, parsed from {bulk['engine_version']}"
        fixes = partial(corrected, cells, dielectric)
        try:
            made = levels_or_bare(cells, fixes, Host(dielectric), coefficient)
        except EngineError as error:
            left_out.append({"source": f"{impurity} {site}", "reason": str(error)})
            continue
        out += [{**same, **row} for row in made]
    return out, left_out
