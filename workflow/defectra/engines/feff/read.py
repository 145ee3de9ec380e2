"""Finished runs of FEFF9 and FEFF10, our own and others'."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.edges import symbol
from defectra.engines.feff.cards import Input
from defectra.engines.feff.output import PARSER_VERSION as _XMU_VERSION
from defectra.engines.feff.output import read_convergence, read_xmu, written_by_feff
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading

ENGINE = "feff"
PARSER_VERSION = f"2.{_XMU_VERSION}"
UNIT = "edge step = 1"
COMPANIONS = re.compile(
    r"(.+[_\-. ])?feff([_\-. ].+)?\.inp|(.+[_\-. ])?log\d*\.dat|chi\.dat|xmu\.dat|"
    r"(pot|phase|fms|gg|ldos|paths|files|list|geom|atoms|global|xsph|xsect|mod\d|mpse|exc|rotmat|dimensions|genfmt|ff2x|path|s02|screen|wscrn|crit|"
    r"band|compton|eels|fpf0|hubbard|opcons|reciprocal|sfconv|axafs|convergence\.scf|emesh|rixs)"
    r"[\w.]*\.?(inp|dat|bin|json|fine)?|\.?(feff\.error|dimensions\.dat)|apot\.bin|feff\d+\.dat",
    re.I,
)

_INPUT = re.compile(r"(?:.+[_\-. ])?feff(?:[_\-. ].+)?\.inp")
MARKS: tuple[str, ...] = ()

_ABSORBER = re.compile(r"Abs\s+Z=\s*(\d+)\s+Rmt.*?\b([KLMN]\d?)\s+shell")
_OTHERS = re.compile(r"Pot\s+\d+\s+Z=\s*(\d+)")
_VERSION = re.compile(r"FEFF\s*(\d+[\d.]*)\s*$", re.I | re.M)
_EMISSION = 5.0  # eV; a spectrum that ends so soon above the Fermi level is no absorption


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Every ``xmu.dat`` by name or content; an input alone is a run without a spectrum."""
    spectra = _spectra(folder)
    inputs = _inputs(folder)
    if not spectra:
        return [(p,) for p in inputs.values()]
    used = {own_file(p, folder, "feff", "inp") for p in spectra}
    alone = [p for name, p in inputs.items() if name != "feff.inp" and p not in used]
    return [(p,) for p in (*spectra, *alone)]


def _spectra(folder: Folder) -> list[Path]:
    return [
        p
        for p in folder.files
        if plain_name(p).lower() == "xmu.dat" or "used to normalize mu" in folder.head(p)
    ]


def _inputs(folder: Folder) -> dict[str, Path]:
    """Inputs by their names: ``feff.inp``, ``NiO_feff.inp``, ``feff_NiO.inp``."""
    found = {plain_name(p).lower(): p for p in reversed(folder.files)}
    return {n: found[n] for n in sorted(found) if _INPUT.fullmatch(n)}


def own_file(path: Path, folder: Folder, word: str, ending: str) -> Path | None:
    """Input or log of a spectrum: ``NiO_feff.inp`` of ``NiO_xmu.dat``, ``feff.inp`` of ``xmu.dat``.

    A spectrum whose name has no companion owns the plain one if it is ``xmu.dat``, or if the
    folder has no other spectrum and no other input.
    """
    name = plain_name(path).lower()
    if name != "xmu.dat" and "xmu" in name:
        first, last = name.removesuffix(".dat").split("xmu", 1)
        if own := folder.named(f"{first}{word}{last}.{ending}"):
            return own
    inputs = _inputs(folder)
    alone = len(_spectra(folder)) == 1 and len(inputs) <= 1
    plain = folder.named(f"{word}.{ending}")
    if plain is not None or word != "feff":
        return plain if name == "xmu.dat" or alone else None
    return next(iter(inputs.values()), None) if alone else None


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read ``xmu.dat``, with ``log1.dat`` and ``feff.inp`` where they are its own."""
    path = files[0]
    alone = path in _inputs(folder).values()
    inputs = path if alone else own_file(path, folder, "feff", "inp")
    given = Input.read(inputs) if inputs else None
    beside = inputs or folder.named("feff.inp")
    if beside and (card := (given or Input.read(beside)).other):
        raise EngineError("not_absorption", f"{beside.name} has the card {card}, no absorption")
    if alone:
        reason = f"{path.name} is there, but no xmu.dat of it: FEFF did not finish"
        raise EngineError("not_finished", reason)
    parsed = read_xmu(path)
    _check_range(path, float(parsed.energy[-1] - parsed.edge + parsed.efermi))
    whole = [x for x in read_text(path).splitlines() if x.lstrip().startswith("#")]
    header = "\n".join(written_by_feff(whole))
    log = own_file(path, folder, "log1", "dat")
    converged = None
    if log:
        converged, iterations = read_convergence(log)
        parsed = replace(parsed, converged=converged, iterations=iterations)
    version = _VERSION.search("\n".join(whole))
    cif = inputs.parent / given.cif if inputs and given and given.cif else None
    return Reading(
        parsed,
        _absorber(header, given),
        f"FEFF {version.group(1)}" if version else "FEFF",
        Axis.ABSOLUTE,
        UNIT if not given or "ABSOLUTE" not in " ".join(given.notes) else "cross section, Å²",
        converged,
        {"feff.inp": given.text} if given else {},
        (cif,) if cif and cif.is_file() else (),
        given.structure if given else None,
        note="; ".join(given.notes) if given else "",
    )


def _check_range(path: Path, above: float) -> None:
    if above < _EMISSION:
        raise EngineError(
            "not_absorption",
            f"{path.name} ends {above:.1f} eV from its zero: emission (card XES), or a cut file",
        )


def _absorber(header: str, given: Input | None) -> Absorber:
    found = [*_ABSORBER.finditer(header)]
    others = frozenset(s for s in (symbol(int(z)) for z in _OTHERS.findall(header)) if s)
    element = (symbol(int(found[-1].group(1))) or "") if found else ""
    edge = found[-1].group(2) if found else (given.edge if given else "")
    if given and given.shells and element and given.shells[0][0] != element:
        raise EngineError(
            "mixed_files",
            f"xmu.dat is of {element}, feff.inp beside it of {given.shells[0][0]}: "
            "files of two runs in one folder",
        )
    if given is None:
        return Absorber(element, edge, None, "header of xmu.dat", (), others)
    if found and given.edge not in ("", edge):
        raise EngineError(
            "mixed_files", f"xmu.dat is of the {edge} edge, feff.inp beside it of {given.edge}"
        )
    element = element or (given.shells[0][0] if given.shells else "")
    return Absorber(
        element,
        edge,
        None,
        f"feff.inp, site {given.target + 1} of the CIF" if given.target is not None else "feff.inp",
        given.shells,
        others,
        given.target if given.cif else None,
    )
