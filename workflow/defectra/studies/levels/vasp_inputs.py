"""Inputs of VASP for a set of charged cells, without POTCAR, which its licence keeps with the user.

HSE06: hybrid functional of Heyd, Scuseria and Ernzerhof; PBE: functional of Perdew, Burke and
Ernzerhof; LDA: local-density approximation; U: Hubbard's term.

The number of electrons needs the valences of the user's own POTCAR; :func:`finish` reads them and
writes NELECT. ``python -m defectra.studies.levels.vasp_inputs --help``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from defectra.core.config import load
from defectra.core.errors import EngineError, TableError, reports_errors
from defectra.core.paths import why_no_folder
from defectra.core.textfiles import read_text
from defectra.engines.gpaw.settings import GpawLevelsProtocol
from defectra.structures.identity import Decorated, atoms_of
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.inputs import (
    DefectSet,
    cutoff,
    insert_impurity,
    mesh_of,
    protocol_of,
    read_sets,
    supercell,
)

NOTE = "NELECT = ?   ! sum of ZVAL of POTCAR minus the charge: python -m ... finish FOLDER"
MORE = 1.3  # times the cut-off of GPAW: the PAW sets of VASP want more than its own
Tags: TypeAlias = dict[str, str | float]
_NELECT = re.compile(r"^NELECT\s*=.*$", re.M)


def inputs(
    chosen: DefectSet, lattice: float, protocol: GpawLevelsProtocol, *, hybrid: bool = False
) -> dict[str, str]:
    """Text of each file by path: bulk and every charge, one mesh and one cut-off for all.

    Parameters
    ----------
    lattice
        Edge of the cube, Å.
    hybrid
        HSE06 in place of the functional of the protocol.
    """
    bulk = supercell(chosen.host, lattice, chosen.atoms)
    defect = insert_impurity(bulk, chosen.site, chosen.impurity)
    mesh = mesh_of(len(atoms_of(bulk)), protocol)
    method = _method(protocol, {*_species(bulk), *_species(defect)}, hybrid=hybrid)
    u = {} if hybrid else protocol.hubbard_u  # it mends a local functional
    if not set(u) & set(_species(defect)):
        u = {}
    points = f"mesh of all cells of the set\n0\nGamma\n{mesh} {mesh} {mesh}\n0 0 0\n"
    out = {}
    name = f"{chosen.host}_{chosen.impurity}_{chosen.site}"
    for folder, cell, charge in [
        (f"{name}/bulk", bulk, 0),
        *((f"{name}/charge_{q:+d}", defect, q) for q in chosen.charges),
    ]:
        out[f"{folder}/POSCAR"] = _poscar(cell, f"{folder} {charge:+d}")
        out[f"{folder}/KPOINTS"] = points
        out[f"{folder}/INCAR"] = _incar(protocol, charge, method | _hubbard(u, _species(cell)))
        out[f"{folder}/POTCAR.spec"] = "\n".join(_species(cell)) + "\n"
    return out


def _species(cell: Decorated) -> list[str]:
    return list(dict.fromkeys(cell.species[i] for i in _order(cell)))


def _order(cell: Decorated) -> list[int]:
    kept = atoms_of(cell)
    kinds = list(dict.fromkeys(cell.species[i] for i in kept))
    return sorted(kept, key=lambda i: kinds.index(cell.species[i]))


def _poscar(cell: Decorated, title: str) -> str:
    order, kinds = _order(cell), _species(cell)
    counts = [sum(cell.species[i] == k for i in order) for k in kinds]
    rows = [" ".join(f"{v:.10f}" for v in r) for r in cell.supercell.lattice]
    sites = [" ".join(f"{v:.10f}" for v in cell.supercell.coords[i]) for i in order]
    head = [title, "1.0", *rows, " ".join(kinds), " ".join(map(str, counts)), "Direct"]
    return "\n".join([*head, *sites]) + "\n"


def _method(protocol: GpawLevelsProtocol, species: set[str], *, hybrid: bool) -> Tags:
    """Cut-off and functional, the same for all cells of a set of `species`.

    HSE06 stands on PBE whatever the functional of the protocol is: on LDA it would be another one.
    """
    exact = hybrid or protocol.by_hybrid
    tags: Tags = {
        "ENCUT": round(cutoff(protocol, species) * MORE),
        "GGA": "CA" if protocol.functional == "LDA" and not exact else "PE",
    }
    if exact:
        tags |= {"LHFCALC": ".TRUE.", "HFSCREEN": 0.2, "AEXX": 0.25, "ALGO": "All"}
    return tags


def _hubbard(u: Mapping[str, float], kinds: list[str]) -> Tags:
    """U of d shells (eV, by element) of the kinds of a cell in the order of its POTCAR.

    The bulk has the same tags, without a U: its settings are held against those of the defect.
    """
    if not u:
        return {}
    return {
        "LASPH": ".TRUE.",
        "LMAXMIX": 4,
        "LDAU": ".TRUE.",
        "LDAUTYPE": 2,
        "LDAUL": " ".join("2" if k in u else "-1" for k in kinds),
        "LDAUU": " ".join(f"{u.get(k, 0.0):g}" for k in kinds),
        "LDAUJ": " ".join("0" for _ in kinds),
    }


def _incar(protocol: GpawLevelsProtocol, charge: int, method: Tags) -> str:
    relaxed = protocol.fmax > 0
    tags: Tags = {
        "PREC": "Accurate",
        "EDIFF": 1e-6,
        "NELM": max(protocol.iterations, 60),
        "ISMEAR": 0,
        "SIGMA": protocol.width,
        "ISPIN": 2,
        "LORBIT": 11,
        "LREAL": "Auto",
        "NSW": protocol.steps if relaxed else 0,
        "IBRION": 2 if relaxed else -1,
        "ISIF": 2,
        "ICORELEVEL": 0,
    }
    if relaxed:
        tags["EDIFFG"] = -protocol.fmax
    text = "".join(f"{k} = {v}\n" for k, v in (method | tags).items())
    return text if charge == 0 else text + NOTE + f"\n! charge {charge:+d}\n"


def finish(folder: Path) -> int:
    """Write NELECT into every INCAR that asks for it, from the POTCAR beside it; how many.

    Raises
    ------
    EngineError
        ``no_potcar`` if it is missing or names other elements than the POSCAR.
    """
    count = 0
    for incar in sorted(folder.rglob("INCAR")):
        text = read_text(incar)
        found = re.search(r"^! charge ([+-]\d+)$", text, re.M)
        if found is None:
            continue
        electrons = neutral_electrons(incar.with_name("POSCAR"), incar.with_name("POTCAR"))
        filled = _NELECT.sub(f"NELECT = {electrons - int(found.group(1)):g}", text)
        incar.write_text(filled, encoding="utf-8")
        count += 1
    return count


def neutral_electrons(poscar: Path, potcar: Path) -> float:
    """Valence electrons of the neutral cell."""
    if not potcar.is_file():
        raise EngineError(
            "no_potcar", f"{potcar}: put your own POTCAR there, in the order of POSCAR"
        )
    lines = read_text(poscar).splitlines()
    kinds, counts = lines[5].split(), [int(n) for n in lines[6].split()]
    text = read_text(potcar)
    valence = [float(v) for v in re.findall(r"ZVAL\s*=\s*([\d.]+)", text)]
    names = [n.split("_")[0] for n in re.findall(r"TITEL\s*=\s*\S+\s+(\S+)", text)]
    if names != kinds or len(valence) != len(kinds):
        raise EngineError("no_potcar", f"{potcar}: holds {names}, POSCAR has {kinds}")
    return sum(n * v for n, v in zip(counts, valence))


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write every file below a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Inputs of VASP for charged cells.")
    parser.add_argument("action", choices=["write", "finish"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", help="e.g. 'CdTe M_A Cu 16 fast'")
    parser.add_argument("--hybrid", action="store_true", help="HSE06 in place of PBE or LDA")
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    args = parser.parse_args()
    if args.action == "finish":
        if not args.folder.is_dir():
            raise TableError(f"{args.folder}: {why_no_folder(args.folder)}")
        count = finish(args.folder)
        if not count:
            raise TableError(
                f"{args.folder}: no INCAR of a charged cell below it, as `write` leaves them"
            )
        print(f"{count} INCARs have their NELECT")
        return 0
    study = load(args.config)
    sets = {s.name: s for s in read_sets(study.levels.live.sets)}
    if args.set not in sets:
        raise TableError(f"--set {args.set!r}: not in {study.levels.live.sets}")
    chosen = sets[args.set]
    lattice = read_hosts(study.levels.hosts)[chosen.host]["lattice"]
    protocol = protocol_of(chosen, study.protocols.gpaw_levels)
    write(inputs(chosen, lattice, protocol, hybrid=args.hybrid), args.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
