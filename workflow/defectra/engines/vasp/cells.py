"""Finished VASP runs of cells: energies, potentials at the atoms, states, wherever they lie.

Readers are pymatgen's. What a folder holds is decided from its files alone: the charge from NELECT
and the valences, so that a moved, renamed or gzipped folder gives the same row.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.records import Origin, Status
from defectra.core.textfiles import read_text
from defectra.engines.finished.columns import number
from defectra.engines.vasp import method
from defectra.engines.vasp.states import fermi, planes, states

Row = dict[str, Any]
_VERSION = "3"
_HEAD = 400_000  # characters of an OUTCAR that repeat its POTCAR


def folders(root: Path) -> Iterator[tuple[Path, Path | None]]:
    """Each vasprun.xml below `root`, gzipped or not, with the OUTCAR beside it."""
    for xml in sorted(root.rglob("vasprun.xml*")):
        if xml.name in ("vasprun.xml", "vasprun.xml.gz"):
            yield xml, _beside(xml, "OUTCAR")


def _beside(xml: Path, name: str) -> Path | None:
    found = [p for n in (name, f"{name}.gz") if (p := xml.with_name(n)).is_file()]
    return found[0] if found else None


def run_files(root: Path) -> list[Path]:
    """What :func:`read_tree` reads, with potentials: input of the rule, which so sees a new run."""
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


def _other_charge(xml: Path, charge: int) -> list[str]:
    """A word where the folder of a run is named after another charge, ``V_O_+2``."""
    for folder in (xml.parent, xml.parent.parent):
        said = re.search(r"_([+-]\d{1,2})$", folder.name)
        if said:
            other = int(said.group(1)) != charge
            return [f"{folder.name} is named so, its electrons make {charge:+d}"] * other
    return []


def read(xml: Path, outcar: Path | None) -> Row:
    """One run.

    Raises
    ------
    EngineError
        ``truncated_output`` if pymatgen cannot read it, ``no_charge`` if valences are not known,
        ``blank_energy``, ``no_states``.
    """
    run = _vasprun(xml)
    locpot = _beside(xml, "LOCPOT")
    cell = run.final_structure
    electrons, charge = _electrons(run, xml)
    energy = _energy(run, xml)
    notes = [] if outcar else ["no OUTCAR: no potentials, no correction possible"]
    row: Row = {
        "structure_id": "",
        "charge": charge,
        "functional": method.functional(run, read_text(outcar, _HEAD) if outcar else ""),
        "elements": method.of_elements(run, read_text(xml)),
        "numerical": method.numerical(run),
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
        "message": "; ".join(
            [*notes, *method.remarks(run, electrons), *_other_charge(xml, charge)]
        ),
        "wall_s": 0.0,
        "cpu_s": 0.0,
        "origin": str(Origin.PARSED),
    }
    return row | _identity(row)


def _electrons(run: Any, xml: Path) -> tuple[float, int]:
    """Electrons of a run, and the charge that they leave of the neutral cell, e."""
    electrons = float(run.parameters.get("NELECT", 0.0))
    neutral = _neutral(xml, len(run.atomic_symbols))
    charge = round(neutral - electrons)
    if not electrons or abs(neutral - electrons - charge) > 1e-3:
        raise EngineError("no_charge", f"{xml.name}: NELECT {electrons:g} of {neutral:g} electrons")
    return electrons, charge


def _energy(run: Any, xml: Path) -> float:
    """Energy of a run, eV: neither a blank nor with a correction that VASP adds itself."""
    energy = float(run.final_energy)
    if not np.isfinite(energy) or energy == 0:
        raise EngineError("blank_energy", f"{xml.name}: energy {energy} is a blank")
    own = [k for k in ("LMONO", "LDIPOL", "EFIELD") if run.parameters.get(k)]
    if own:
        raise EngineError(
            "own_correction",
            f"{xml.name}: {' and '.join(own)}: VASP added a correction or a field of its own to "
            "the energy; run the cell without it",
        )
    return energy


def _identity(row: Row) -> Row:
    """Request and calculation_id of a row: what was computed, wherever its files lie."""
    names = ("charge", "functional", "cutoff_eV", "species", "energy_eV")
    request = json.dumps({"parser": _VERSION, **{k: row[k] for k in names}}, sort_keys=True)
    text = request + json.dumps([row["lattice"], row["coords"], row["kpoints"]])
    return {"request": request, "calculation_id": hashlib.sha256(text.encode()).hexdigest()}


def _vasprun(path: Path) -> Any:
    from pymatgen.io.vasp.outputs import UnconvergedVASPWarning, Vasprun

    try:
        with warnings.catch_warnings():  # the row says it: run.converged
            warnings.simplefilter("ignore", UnconvergedVASPWarning)
            return Vasprun(str(path), parse_dos=False, parse_potcar_file=False)
    except Exception as error:  # the parsers of others raise whatever comes
        text = " ".join(str(error).split())
        raise EngineError("truncated_output", f"{path.name} cannot be read: {text}") from None


def _neutral(path: Path, atoms: int) -> float:
    """Valence electrons of the neutral cell, by the table of atom types.

    Summed by its rows: two potentials of one element have valences of their own.
    """
    rows = method.atom_types(read_text(path))
    if not rows or any(len(row) < 4 or not row[0].isdecimal() for row in rows):
        raise EngineError("no_charge", f"{path.name}: no table of atom types")
    if (counted := sum(int(row[0]) for row in rows)) != atoms:
        raise EngineError("no_charge", f"{path.name}: {counted} atoms in the table of their types")
    return sum(int(row[0]) * number(row[3], path) for row in rows)


def _mesh(run: Any) -> str:
    """Divisions of a mesh with the zone centre in it; another mesh, or a list, by its points."""
    mesh = run.kpoints.kpts[0] if run.kpoints is not None else ()
    if not (np.abs(np.asarray(run.actual_kpoints)) < 1e-6).all(axis=1).any():
        return _listed(run)
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
