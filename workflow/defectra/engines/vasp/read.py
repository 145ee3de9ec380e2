"""Finished core-hole runs of VASP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.finished.columns import checked, number, read_columns
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

ENGINE = "vasp"
PARSER_VERSION = "1"
UNIT = "imaginary dielectric function"

Floats = NDArray[np.float64]
_EXTRACT = "core_dielectric_imag"
_TABLE = "IMAGINARY DIELECTRIC FUNCTION"
_EDGES = {(1, 0): "K", (2, 0): "L1", (2, 1): "L2,3", (3, 2): "M4,5"}
_FERMI = re.compile(r"(?:E-fermi\s*:|Fermi energy:)\s*(-?[\d.]+)")


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """One run of a folder: the extracted table, else OUTCAR, else vasprun.xml, else INCAR.

    Only runs with ``CH_LSPEC`` or ``ICORELEVEL = 2`` are taken; a relaxation is no spectrum.
    """
    for path in folder.files:
        if plain_name(path).lower().startswith(_EXTRACT):
            return [(path,)]
    core = False
    for name in ("INCAR", "OUTCAR", "vasprun.xml"):
        given = folder.named(name)
        core = core or (given is not None and _asks(given))
    if not core:
        return []
    kept = folder.named("OUTCAR", "vasprun.xml", "INCAR")
    return [(kept,)] if kept else []


def _asks(path: Path) -> bool:
    """Whether a file of a run tells of a core hole; one that cannot be read tells nothing."""
    try:
        text = read_text(path, 200_000)
    except EngineError:
        return False
    tag = r'CH_LSPEC\s*(?:=|">)\s*\.?T'
    return bool(re.search(tag, text) or re.search(r'ICORELEVEL\s*(?:=|">)\s*2', text))


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read the spectrum; Fermi level and convergence from vasprun.xml or OUTCAR."""
    path = files[0]
    name = plain_name(path).lower()
    if name == "incar":
        raise EngineError("not_finished", "INCAR asks for a spectrum; no output is beside it")
    outcar, xml = folder.named("OUTCAR"), folder.named("vasprun.xml")
    if name.startswith(_EXTRACT):
        energy, mu = _extracted(path)
    elif outcar:
        energy, mu = _from_outcar(outcar)
    else:
        energy, mu = _from_xml(path)
    settings = _settings(folder)
    state = _state(outcar, xml)
    places = [folder.named(n) for n in ("POSCAR", "CONTCAR")]
    parsed = spectrum(
        energy,
        mu,
        efermi=state["efermi"],
        edge=_threshold(energy, mu),
        converged=state["converged"],
        iterations=state["iterations"],
    )
    return Reading(
        parsed,
        _absorber(settings, next((p for p in places if p), None)),
        state["version"] or "VASP",
        Axis.ABSOLUTE,
        UNIT,
        state["converged"],
        _inputs(folder),
        tuple(p for p in places if p),
    )


def _extracted(path: Path) -> tuple[Floats, Floats]:
    _, data = read_columns(path)
    mu = data[:, 1:4].mean(axis=1) if data.shape[1] >= 4 else data[:, 1]
    return checked(path, data[:, 0], mu)


def _from_outcar(path: Path) -> tuple[Floats, Floats]:
    lines = iter(read_text(path).splitlines())
    if not any(_TABLE in line for line in lines):
        raise EngineError("truncated_output", f"{path.name}: ends before the dielectric function")
    rows: list[list[float]] = []
    for line in lines:
        words = line.split()
        try:
            row = [float(w) for w in words]
        except ValueError:
            row = []
        if len(row) >= 7:
            rows.append(row[:7])
        elif rows:
            break
    if len(rows) < 20:
        raise EngineError("truncated_output", f"{path.name}: dielectric function is cut off")
    data = np.array(rows)
    return checked(path, data[:, 0], data[:, 1:4].mean(axis=1))


def _from_xml(path: Path) -> tuple[Floats, Floats]:
    run = _vasprun(path)
    try:
        energies, _, imaginary = run.dielectric
    except (KeyError, IndexError, ValueError, AttributeError):
        raise EngineError("missing_output", f"{path.name} holds no dielectric function") from None
    data = np.array(imaginary, float)
    return checked(path, np.array(energies, float), data[:, :3].mean(axis=1))


def _vasprun(path: Path) -> Any:
    from pymatgen.io.vasp.outputs import Vasprun

    options = {"parse_dos": False, "parse_eigen": False, "parse_potcar_file": False}
    try:
        return Vasprun(str(path), exception_on_bad_xml=True, **options)
    except Exception as error:  # the parsers of others raise whatever comes
        raise EngineError("truncated_output", f"{path.name} cannot be read: {error}") from None


def _threshold(energy: Floats, mu: Floats) -> float:
    """Energy at which the spectrum first reaches a thousandth of its maximum, eV."""
    return float(energy[int(np.argmax(mu > 1e-3 * mu.max()))])


def _settings(folder: Folder) -> dict[str, int]:
    """INCAR tags of the core hole, from the INCAR itself or from the head of OUTCAR."""
    from pymatgen.io.vasp.inputs import Incar

    path = folder.named("INCAR", "OUTCAR")
    if path is None:
        return {}
    lines = read_text(path, 400_000).splitlines()
    tags = [x for x in lines if re.match(r"\s*(CLNT|CLN|CLL)\s*=", x)]
    try:
        return {tag: int(v) for tag, v in Incar.from_str("\n".join(tags)).items()}
    except (ValueError, TypeError) as error:
        raise EngineError("bad_output", f"{path.name}: a damaged tag: {error}") from None


def _absorber(settings: dict[str, int], poscar: Path | None) -> Absorber:
    edge = _EDGES.get((settings.get("CLN", 0), settings.get("CLL", 0)), "")
    if "CLNT" not in settings or poscar is None:
        return Absorber("", edge, None, "no INCAR with CLNT" if poscar else "no POSCAR")
    element, index, count = _block_of(poscar, settings["CLNT"])
    several = f", the hole is in each of {count} atoms" if count > 1 else ""
    return Absorber(element, edge, index, f"species {settings['CLNT']} of POSCAR{several}")


def _block_of(poscar: Path, number: int) -> tuple[str, int, int]:
    """Element, first site and length of block `number` (from 1) of the species of a POSCAR."""
    lines = read_text(poscar).splitlines()
    try:
        if number < 1:
            raise ValueError(number)
        counts = [int(w) for w in lines[6].split()]
        return lines[5].split()[number - 1], sum(counts[: number - 1]), counts[number - 1]
    except (IndexError, ValueError):
        message = f"{poscar.name} has no species {number}, which CLNT names"
        raise EngineError("mixed_files", message) from None


def _state(outcar: Path | None, xml: Path | None) -> dict[str, Any]:
    """Fermi level, convergence and version; None or NaN for what no file tells."""
    out: dict[str, Any] = {
        "efermi": float("nan"),
        "converged": None,
        "iterations": 0,
        "version": "",
    }
    if outcar:
        text = read_text(outcar)
        found = _FERMI.findall(text)
        version = re.search(r"vasp\.([\d.]+\d)", text[:200])
        out["efermi"] = number(found[-1], outcar) if found else out["efermi"]
        out["converged"] = outcar_converged(text)
        out["iterations"] = len(re.findall(r"total energy-change", text))
        out["version"] = f"VASP {version.group(1)}" if version else ""
    elif xml:
        run = _vasprun(xml)
        out["efermi"] = float(run.efermi) if run.efermi is not None else out["efermi"]
        out["converged"] = bool(run.converged_electronic)
        out["iterations"] = len(run.ionic_steps[-1]["electronic_steps"]) if run.ionic_steps else 0
        out["version"] = f"VASP {run.vasp_version}"
    return out


def outcar_converged(text: str) -> bool:
    """Whether the last electronic cycle of an OUTCAR reached EDIFF.

    "Aborting loop because EDIFF is reached" is also printed where the last step stopped at NELM:
    so the energy changes of the last step are compared with EDIFF, as ASE does.
    """
    limit = re.search(r"^\s*EDIFF\s*=\s*([-+.\dEe]+)", text, re.M)
    changes = re.findall(
        r"total energy-change \(2\. order\)\s*:\s*([-+.\dEe]+)\s*\(([^)]*)\)", text
    )
    if not limit or not changes:
        return False
    try:
        return all(abs(float(v)) < float(limit.group(1)) for v in changes[-1])
    except ValueError:
        return False


def _inputs(folder: Folder) -> dict[str, str]:
    """INCAR, POSCAR and KPOINTS, if what decides the calculation is all there."""
    found = {n: folder.named(n) for n in ("INCAR", "POSCAR", "KPOINTS")}
    if found["INCAR"] is None or found["POSCAR"] is None:
        return {}
    return {n: read_text(p) for n, p in found.items() if p}
