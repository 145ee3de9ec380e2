"""VASP runs of defects as rows of CELL_RUNS, wherever they lie and whatever they are called.

Readers are pymatgen's. What a folder holds is told from its files alone: charge from NELECT and
the valences, the defect from the cell against that of the bulk, so that a moved, renamed or
gzipped folder gives the same row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.records import Origin, Status
from defectra.core.textfiles import read_text
from defectra.defects.corrections import Correction
from defectra.defects.equations import check
from defectra.defects.levels import Cells, Host, corrected, edges, levels_or_bare, run_of
from defectra.defects.point_defects import Found, identify
from defectra.defects.vasp_states import fermi, planes, states
from defectra.engines.finished.columns import number

Row = dict[str, Any]
Sets: TypeAlias = list[tuple[Cells, Found]]
_VERSION = "2"
CELLS_COLUMNS = [
    *("host", "site", "multiplicity", "impurity", "charge", "energy_above_bulk_eV", "efnv_eV"),
    *("freysoldt_eV", "corrected_above_bulk_eV", "plateau_V", "vbm_eV", "gap_eV", "functional"),
    *("status", "message", "calculation_id"),
]


def folders(root: Path) -> Iterator[tuple[Path, Path | None]]:
    """Each vasprun.xml below `root`, gzipped or not, with the OUTCAR beside it."""
    for xml in sorted(root.rglob("vasprun.xml*")):
        if xml.name in ("vasprun.xml", "vasprun.xml.gz"):
            yield xml, _beside(xml, "OUTCAR")


def _beside(xml: Path, name: str) -> Path | None:
    found = [p for n in (name, f"{name}.gz") if (p := xml.with_name(n)).is_file()]
    return found[0] if found else None


def run_files(root: Path) -> list[Path]:
    """What :func:`levels_of_folder` reads: input of the rule, so that a new run is seen."""
    found = [(*pair, _beside(pair[0], "LOCPOT")) for pair in folders(root)]
    return [p for three in found for p in three if p is not None]


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
        ``blank_energy``, ``no_states``.
    """
    run = _vasprun(xml)
    locpot = _beside(xml, "LOCPOT")
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
        "kpoints": _mesh(run),
        "lattice": np.round(cell.lattice.matrix, 6).ravel().tolist(),
        "species": [s.specie.symbol for s in cell],
        "coords": np.round(cell.frac_coords, 6).ravel().tolist(),
        "energy_eV": energy,
        "fermi_eV": fermi(xml, outcar),
        "electrons": electrons,
        "potentials_V": _potentials(outcar, len(cell)) if outcar else [],
        **(planes(locpot) if locpot else {}),
        **states(run, electrons),
        "engine_version": f"VASP {run.vasp_version}",
        "status": str(Status.OK if run.converged else Status.UNCONVERGED),
        "message": "" if outcar else "no OUTCAR: no potentials, no correction possible",
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
    from pymatgen.io.vasp.outputs import Vasprun

    try:
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


def _mesh(run: Any) -> str:
    mesh = run.kpoints.kpts[0] if run.kpoints is not None else ()
    if len(run.actual_kpoints) == 1:
        return "1 1 1"
    if len(mesh) != 3 or any(k != int(k) or k < 1 for k in mesh):
        return _listed(run)
    return " ".join(str(int(k)) for k in mesh)


def _listed(run: Any) -> str:
    """A list of k-points that is no mesh: its length and a hash, so that equal lists are equal."""
    points = np.round(np.column_stack([run.actual_kpoints, run.actual_kpoints_weights]), 6)
    return f"list of {len(points)} {hashlib.sha256(points.tobytes()).hexdigest()[:8]}"


def _potentials(path: Path, count: int) -> list[float]:
    """Potentials at the cores on a positive charge: VASP prints those of an electron."""
    from pymatgen.io.vasp.outputs import Outcar

    try:
        found = Outcar(str(path)).electrostatic_potential
    except Exception as error:  # as above
        text = " ".join(str(error).split())
        raise EngineError("truncated_output", f"{path.name} cannot be read: {text}") from None
    if found is None:
        return []
    if len(found) != count:
        raise EngineError("potentials", f"{path.name}: {len(found)} potentials for {count} atoms")
    return [-float(v) for v in found]


def bulk_of(rows: list[Row], host: str) -> Row:
    """The run of the host without a defect.

    Raises
    ------
    EngineError
        ``no_bulk`` if there is none, or several that differ in more than place.
    """
    from pymatgen.core import Composition

    wanted = Composition(host).reduced_formula
    found = [
        row
        for row in rows
        if row["charge"] == 0 and Composition(Counter(row["species"])).reduced_formula == wanted
    ]
    if len(found) != 1:
        raise EngineError("no_bulk", f"{len(found)} runs of pure, neutral {host}; one is needed")
    return found[0]


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
    sets, left_out = read_sets(root, host)
    rows, more = levels_of_sets(sets, host, dielectric, coefficient)
    return rows, left_out + more


def levels_of_sets(
    sets: Sets, host: str, dielectric: NDArray[np.float64], coefficient: float
) -> tuple[list[Row], list[dict[str, str]]]:
    """Levels of sets of cells (see :func:`read_sets`), else as :func:`levels_of_folder`."""
    out: list[Row] = []
    left_out: list[dict[str, str]] = []
    for cells, found in sets:
        bulk = cells.bulk
        same: Row = {"host": host, "site": found.site, "impurity": found.impurity}
        same |= {"atoms": len(bulk["species"]), "published_eV": float("nan")}
        same["protocol"] = str(Origin.PARSED)
        same["fidelity"] = f"{bulk['functional']}, parsed from {bulk['engine_version']}"
        fixes = partial(corrected, cells, dielectric)
        try:
            made = levels_or_bare(cells, fixes, Host(dielectric), coefficient)
        except EngineError as error:
            left_out.append({"source": f"{found.impurity} {found.site}", "reason": str(error)})
            continue
        if len(cells.charged) == 1:
            charge = cells.charged[0]["charge"]
            reason = f"one charge alone ({charge:+d}): no level, see parsed_cells.csv"
            left_out.append({"source": f"{found.impurity} {found.site}", "reason": reason})
        out += [{**same, **row} for row in made]
    return out, left_out


def read_sets(root: Path, host: str) -> tuple[Sets, list[dict[str, str]]]:
    """Cells of each defect below `root` with their bulk, and what was left out.

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
    members = [(Cells(bulk, [r for r, _ in m], m[0][1].centre), m[0][1]) for m in sets.values()]
    return members, left_out


def cells_of_folder(root: Path, host: str, dielectric: NDArray[np.float64]) -> list[Row]:
    """Every defect cell below `root` with its corrections, in the columns of CELLS_COLUMNS.

    Energies are those of the cell less that of the bulk, without chemical potentials. Where a
    correction cannot be made it is NaN and the message says why: never zero.

    Raises
    ------
    EngineError
        If there is no folder, or no bulk in it.
    """
    return cells_of_sets(read_sets(root, host)[0], host, dielectric)


def cells_of_sets(sets: Sets, host: str, dielectric: NDArray[np.float64]) -> list[Row]:
    """As :func:`cells_of_folder`, of cells that were read."""
    return [
        _cell_row(replace(cells, charged=[row]), found, host, dielectric)
        for cells, found in sets
        for row in cells.charged
    ]


def _cell_row(cells: Cells, found: Found, host: str, dielectric: NDArray[np.float64]) -> Row:
    (row,), bulk = cells.charged, cells.bulk
    notes = [row["message"], row["state_note"]]
    nothing = Correction(float("nan"), float("nan"), float("nan"))
    fix = Correction(0.0, 0.0, 0.0, 0.0) if row["charge"] == 0 else nothing
    if row["charge"]:
        try:
            check(run_of(bulk, bulk), [run_of(row, bulk)])
            fix = corrected(cells, dielectric).get(row["charge"], nothing)
        except EngineError as error:
            notes.append(str(error))
        if not bulk["potentials_V"]:
            notes.append("the bulk has no potentials: no correction possible")
    vbm, cbm = edges(bulk)
    above = row["energy_eV"] - bulk["energy_eV"]
    return {
        "host": host,
        "site": found.site,
        "multiplicity": found.multiplicity,
        "impurity": found.impurity,
        "charge": row["charge"],
        "energy_above_bulk_eV": above,
        "efnv_eV": fix.total_ev,
        "freysoldt_eV": fix.freysoldt_ev,
        "corrected_above_bulk_eV": above + fix.total_ev,
        "plateau_V": fix.spread_ev,
        "vbm_eV": vbm,
        "gap_eV": max(cbm - vbm, 0.0),
        "functional": row["functional"],
        "status": row["status"],
        "message": "; ".join(n for n in notes if n),
        "calculation_id": row["calculation_id"],
    }
