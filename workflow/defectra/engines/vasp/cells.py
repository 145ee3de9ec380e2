"""Finished VASP runs of cells: energies, potentials at the atoms, states, wherever they lie.

Readers are pymatgen's. What a folder holds is told from its files alone: the charge from NELECT and
the valences, so that a moved, renamed or gzipped folder gives the same row.
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

Row = dict[str, Any]
WINDOW_EV = 3.0
_VERSION = "1"


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
