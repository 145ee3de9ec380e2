"""Finished core-hole runs of VASP."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError, StructureError
from defectra.core.fortran import real
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.finished.columns import checked, number, read_columns
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum
from defectra.engines.vasp import incar
from defectra.engines.vasp.table import HEADING, from_outcar
from defectra.structures.poscar import element_of, read_poscar, species_of

ENGINE = "vasp"
PARSER_VERSION = "2"
UNIT = "imaginary dielectric function, mean of xx, yy, zz"
COMPANIONS = re.compile(
    r"(POSCAR|CONTCAR|INCAR|KPOINTS|POTCAR|OUTCAR|OSZICAR|DOSCAR|EIGENVAL|IBZKPT|PCDAT|XDATCAR|"
    r"WAVECAR|CHGCAR?|PROCAR|REPORT|vasprun|vasp|CORE_DIELECTRIC|POTCAR\.\w+)[\w.]*",
    re.I,
)

MARKS: tuple[str, ...] = ()

Floats = NDArray[np.float64]
_EXTRACT = "core_dielectric_imag"
_EDGES = {(1, 0): "K", (2, 0): "L1", (2, 1): "L2,3", (3, 0): "M1", (3, 1): "M2,3", (3, 2): "M4,5"}
_FERMI = re.compile(r"(?:E-fermi\s*:|Fermi energy:)\s*(-?[\d.]+)")
_TITLE = re.compile(r"TITEL\s*=\s*\S+\s+(\S+)")
_WHOLE_TITLE = re.compile(r"TITEL[ \t]*=[ \t]*(\S[^\n]*)")


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Runs of a folder: extracted tables, else OUTCAR, else vasprun.xml, else INCAR.

    Only runs that ask for a core-hole spectrum are taken; a relaxation is none.
    """
    extracts = [p for p in folder.files if plain_name(p).lower().startswith(_EXTRACT)]
    if extracts:
        return [(path,) for path in extracts]
    given, outcar, xml = (folder.named(n) for n in ("INCAR", "OUTCAR", "vasprun.xml"))
    asked = [_tags(p) for p in (given, outcar) if p]
    core = any(incar.asks_for_spectrum(t) for t in asked) or (xml is not None and _xml_asks(xml))
    kept = outcar or xml or given
    return [(kept,)] if core and kept else []


def _tags(path: Path) -> dict[str, str]:
    """Tags of an INCAR or OUTCAR; one that cannot be read says nothing."""
    try:
        if plain_name(path).upper().startswith("INCAR"):
            return incar.parse(read_text(path))
        return incar.of_outcar(read_text(path, 400_000))
    except EngineError:
        return {}


def _xml_asks(path: Path) -> bool:
    try:
        text = read_text(path, 200_000)
    except EngineError:
        return False
    return bool(re.search(r'CH_LSPEC"?>\s*T', text) or re.search(r'ICORELEVEL"?>\s*2', text))


@dataclass(frozen=True)
class _Beside:
    """Files of the run that a spectrum is of; none where its folder holds several spectra."""

    outcar: Path | None = None
    xml: Path | None = None
    cell: Path | None = None

    @classmethod
    def of(cls, folder: Folder) -> _Beside:
        cell = folder.named("POSCAR") or folder.named("CONTCAR")
        return cls(folder.named("OUTCAR"), folder.named("vasprun.xml"), cell)


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read the spectrum; Fermi level and convergence from vasprun.xml or OUTCAR."""
    path = files[0]
    name = plain_name(path).lower()
    if name == "incar":
        raise EngineError("not_finished", "INCAR asks for a spectrum; no output is beside it")
    several = len(find(folder)) > 1 and name != f"{_EXTRACT}.dat"
    beside = _Beside() if several else _Beside.of(folder)
    settings = {} if several else _settings(folder, beside.outcar)
    _refuse_other_settings(path, settings)
    energy, mu, how = _spectrum(path, beside.outcar, settings)
    state = _state(beside.outcar, beside.xml)
    again = settings.get("ALGO", "").strip().lower() in ("none", "nothing")
    state |= {"converged": None} if again else {}
    how = "; ".join(n for n in (how, _hole(settings), *_remarks(settings, again=again)) if n)
    names = _potcar_names(beside.outcar) if beside.outcar and beside.cell else []
    parsed = spectrum(
        energy,
        mu,
        efermi=state["efermi"],
        edge=_threshold(energy, mu),
        converged=state["converged"],
        iterations=state["iterations"],
    )
    absorber = _absorber(settings, beside.cell, names)
    if several:
        label = f"{len(find(folder))} spectra in one folder: which is of this INCAR?"
        absorber = Absorber(label=label)
    return Reading(
        parsed,
        absorber,
        state["version"] or "VASP",
        Axis.ABSOLUTE,
        UNIT,
        state["converged"],
        {} if several else _inputs(folder),
        (beside.cell,) if beside.cell else (),
        _cell(beside.cell, names),
        note=how,
        potentials=() if several else _titles(folder, beside.outcar),
    )


def _refuse_other_settings(path: Path, tags: dict[str, str]) -> None:
    if incar.true(tags, "CH_LSPEC") is False:
        raise EngineError(
            "mixed_files",
            f"{path.name} is a spectrum, the settings beside it ask for none (CH_LSPEC)",
        )


def _remarks(tags: dict[str, str], *, again: bool) -> list[str]:
    """What the settings do to the spectrum; `again`: calculated from the WAVECAR of another run."""
    scaled = tags.get("CH_AMPLIFICATION", "")
    return [
        f"intensities scaled, CH_AMPLIFICATION = {scaled}" if scaled else "",
        "from an earlier run (ALGO = None), which tells whether it converged" if again else "",
    ]


def _hole(tags: dict[str, str]) -> str:
    """What is unusual about the core hole: none, or not of one electron."""
    if tags.get("ICORELEVEL", "").split()[:1] == ["1"]:
        return "initial state (ICORELEVEL = 1): no core hole"
    words = tags.get("CLZ", "").split()
    try:
        electrons = real(words[0]) if words else 1.0
    except ValueError:
        raise EngineError("bad_output", f"tag CLZ = {words[0]!r} is no number") from None
    return "" if electrons == 1 else f"core hole of {electrons:g} electrons (CLZ)"


def _spectrum(path: Path, outcar: Path | None, tags: dict[str, str]) -> tuple[Floats, Floats, str]:
    """Energies, mean of the diagonal, and how it was had where that is not plain."""
    if not plain_name(path).lower().startswith(_EXTRACT):
        if outcar is None:
            return (*_from_xml(path), "")
        energy, mu = from_outcar(outcar, read_text(outcar), tags)
        return (*checked(outcar, energy, mu), "")
    energy, mu, how = _extracted(path)
    text = read_text(outcar) if outcar else ""
    if outcar is not None and HEADING in text:
        try:
            whole = from_outcar(outcar, text, tags)
        except EngineError as error:
            if error.error_class != "truncated_output":
                raise
            how = "; ".join(n for n in (how, f"not that of the OUTCAR: {error}") if n)
        else:
            return (*_compared(path, energy, mu, outcar, whole), "table of the OUTCAR")
    return (*checked(path, energy, mu), how)


def _extracted(path: Path) -> tuple[Floats, Floats, str]:
    """Table that was cut out of an OUTCAR: xx, yy, zz, or their sum alone."""
    _, data = read_columns(path)
    if data.shape[1] >= 4:
        return data[:, 0], data[:, 1:4].mean(axis=1), ""
    if data.shape[1] != 2:
        raise EngineError(
            "bad_output",
            f"{path.name}: {data.shape[1]} columns; energy, xx, yy, zz (…) or energy and the sum "
            "of the three are read",
        )
    return data[:, 0], data[:, 1] / 3, "two columns taken as xx + yy + zz"


def _compared(
    path: Path, energy: Floats, mu: Floats, outcar: Path, whole: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """The OUTCAR's own table, refused if the extract is of another run."""
    own_energy, own = whole
    inside = (energy >= own_energy[0]) & (energy <= own_energy[-1])
    there = np.interp(energy, own_energy, own)
    scale = float(there.max())
    ratios = (1.0, 3.0, 1 / 3)
    agree = inside.all() and any(np.abs(mu * r - there).max() < 0.02 * scale for r in ratios)
    if not agree:
        raise EngineError(
            "mixed_files", f"{path.name} is not the table of {outcar.name} beside it: two runs"
        )
    return checked(outcar, own_energy, own)


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


def _settings(folder: Folder, outcar: Path | None) -> dict[str, str]:
    """Core-level tags of the INCAR, completed and checked by what the OUTCAR repeats.

    Raises
    ------
    EngineError
        ``mixed_files`` if the two say different things.
    """
    path = folder.named("INCAR")
    given = _tags(path) if path else {}
    printed = _tags(outcar) if outcar else {}
    for tag in ("CLNT", "CLN", "CLL"):
        one, two = incar.integer(given, tag), incar.integer(printed, tag)
        if one is not None and two is not None and one != two:
            raise EngineError(
                "mixed_files", f"{tag} is {one} in INCAR and {two} in OUTCAR: files of two runs"
            )
    return printed | given


def _titles(folder: Folder, outcar: Path | None) -> tuple[str, ...]:
    """Titles of the potentials, of POTCAR, the OUTCAR or the checksums that a run of ours keeps."""
    own, kept = folder.named("POTCAR"), folder.named("POTCAR.used")
    for source in (own, outcar):
        try:
            text = read_text(source, None if source is own else 400_000) if source else ""
        except EngineError:
            continue
        if found := {" ".join(t.split()) for t in _WHOLE_TITLE.findall(text)}:
            return tuple(sorted(found))
    lines = read_text(kept).splitlines() if kept is not None else []
    return tuple(sorted({" ".join(line.split()[:-1]) for line in lines if line[:3] == "PAW"}))


def _potcar_names(outcar: Path) -> list[str]:
    """Elements of the POTCARs of an OUTCAR, in their order; empty if it does not say."""
    found = [element_of(name) for name in _TITLE.findall(read_text(outcar, 400_000))]
    half = found[: len(found) // 2]
    return half if half and found == half * 2 else found  # each title is printed twice


def _absorber(tags: dict[str, str], poscar: Path | None, names: list[str]) -> Absorber:
    shell = (incar.integer(tags, "CLN") or 0, incar.integer(tags, "CLL") or 0)
    edge = _EDGES.get(shell, "")
    block = incar.integer(tags, "CLNT")
    if block is None or poscar is None:
        return Absorber("", edge, None, "no INCAR with CLNT" if poscar else "no POSCAR")
    element, index, count = _block_of(poscar, block, names)
    if count > 1:
        label = f"species {block} of POSCAR, the hole is in each of {count} atoms"
        return Absorber(element, edge, None, label)
    return Absorber(element, edge, index, f"species {block} of POSCAR")


def _block_of(poscar: Path, block: int, names: list[str]) -> tuple[str, int, int]:
    """Element, first site and length of block `block` (from 1) of the species of a POSCAR."""
    try:
        species, counts = species_of(read_text(poscar), names)
    except StructureError as error:
        raise EngineError("unknown_absorber", f"{poscar.name}: {error}") from None
    if len(names) == len(species) and species != names:
        raise EngineError(
            "mixed_files",
            f"{poscar.name} names {' '.join(species)}, the OUTCAR's POTCAR is {' '.join(names)}",
        )
    if not 1 <= block <= len(counts):
        message = f"{poscar.name} has no species {block}, which CLNT names"
        raise EngineError("mixed_files", message)
    return species[block - 1], sum(counts[: block - 1]), counts[block - 1]


def _cell(poscar: Path | None, names: list[str]) -> tuple[np.ndarray, list[str], np.ndarray] | None:
    """Cell of a POSCAR without symbols, with those of the OUTCAR; None if it has its own."""
    if poscar is None or not names:
        return None
    try:
        text = read_text(poscar)
        found = read_poscar(text, names)
    except (StructureError, EngineError):
        return None
    return found.lattice.matrix, [s.specie.symbol for s in found], found.frac_coords


def _state(outcar: Path | None, xml: Path | None) -> dict[str, Any]:
    """Fermi level, convergence and version; None or NaN for what no file states."""
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
        return "aborting loop because EDIFF is reached" in text
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
