"""Finished runs of Quantum ESPRESSO's xspectra.x, each with its own input and output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.finished.columns import mean_of, number
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum
from defectra.engines.xspectra import namelists
from defectra.engines.xspectra.namelists import XInput, XOutput, stem

ENGINE = "xspectra"
PARSER_VERSION = "3"
UNIT = "xspectra cross section"
COMPANIONS = re.compile(r".*\.(sav|wfc|upf)|.*(xspectra|scf|xanes).*\.(in|out|dat)", re.I)

MARKS: tuple[str, ...] = ("&input_xspectra", "program xspectra", "&system", "program pwscf")
_T = TypeVar("_T")
_MARK = "final state angular momentum"
_MOMENTUM = re.compile(rf"{_MARK}:\s*(\d)", re.I)
_BROADENING = re.compile(r"broadening parameter[^:]*:\s*([\d.]+)", re.I)
_TYPE = re.compile(r"absorbing atom type[^:]*:\s*(\d+)", re.I)
_DIPOLE = re.compile(r"(?:dipole|pol|eps)\d$", re.I)
_EDGES = {"K": "K", "L1": "L1", "L2": "L2", "L3": "L3", "L23": "L2,3"}
_OPERATORS = {"dipole": "1", "quadrupole": "2"}  # K edge: angular momentum of the final state


@dataclass(frozen=True)
class Run:
    """Input, output and pw.x file of one spectrum; None for what is not there.

    `open` says why there is none, for people.
    """

    given: XInput | None
    output: XOutput | None
    pw: Path | None
    open: str = ""


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Files ``xanes.dat`` by name or content; those of ``dipole1``, ``dipole2`` … are one."""
    own: list[tuple[Path, ...]] = [(p,) for p in _spectra(folder)]
    if own:
        path = folder.path
        together = _siblings(path.parent) if _DIPOLE.search(path.name) else []
        return [] if own[0][0] in together else own
    together = _siblings(folder.path)
    return [tuple(together)] if together else []


def _spectra(folder: Folder) -> list[Path]:
    return [
        p
        for p in folder.files
        if plain_name(p).lower() == "xanes.dat" or _MARK in folder.head(p)[:300].lower()
    ]


def _siblings(parent: Path) -> list[Path]:
    """Spectra of the polarisation folders below `parent`, if they are of one kind."""
    folders = [p for p in sorted(parent.iterdir()) if p.is_dir() and _DIPOLE.search(p.name)]
    found = [s[0] for s in (_spectra(Folder(p)) for p in folders) if len(s) == 1]
    kinds = set()
    for path in found:
        own = namelists.inputs(Folder(path.parent))
        settings = tuple((i.calculation, i.edge, i.absorber, i.zero) for i in own)
        momentum = _MOMENTUM.search(read_text(path, 1000))
        kinds.add((settings, momentum.group(1) if momentum else ""))
    return found if len(found) > 1 and len(kinds) == 1 else []


def read(files: tuple[Path, ...], folder: Folder) -> Reading:  # noqa: ARG001
    """Read the (mean of the) cross sections with the input and output that belong to them."""
    header, energy, mu = mean_of(files, 1)
    text = "\n".join(header)
    if _MARK not in text.lower():
        raise EngineError("bad_output", f"{files[0].name}: not the header of xspectra.x")
    runs = [run_of(f, text, energy) for f in files]
    run = runs[0]
    _check_whole(files[0], run.given, energy)
    operator = _operator(files[0], text, run.given)
    fermi = run.output.fermi if run.output else None
    efermi = number(fermi, files[0]) if fermi else float("nan")
    zero = _zero(run, files[0])
    ends = [r.output.finished if r.output else None for r in runs]
    done = None if None in ends else all(ends)
    element, index, label = _absorber(text, run)
    notes = [
        operator,
        f"mean of {len(files)} polarisations" if len(files) > 1 else "one polarisation",
        "" if zero is None else _zero_remark(zero, efermi),
        run.open,
        _occupied(run.given, energy, zero),
    ]
    known = run.given is not None or run.output is not None
    return Reading(
        spectrum(energy, mu, efermi=efermi, converged=done),
        Absorber(element, _edge(files[0], run.given) if run.given else "", index, label),
        run.output.version if run.output else "XSpectra",
        Axis.FERMI if zero is None and known else Axis.ENGINE,
        f"{UNIT}, {operator}" if operator != "dipole" else UNIT,
        done,
        structures=(run.pw,) if run.pw else (),
        note="; ".join(n for n in notes if n),
    )


def _occupied(given: XInput | None, energy: NDArray[np.float64], zero: float | None) -> str:
    """Whether occupied states are in the spectrum, which the program leaves there by default."""
    cut = given is None or given.keys.get("cut_occ_states", "").lower().strip(".")[:1] == "t"
    below = zero is None and float(energy[0]) < 0
    return "" if cut or not below else "occupied states are in it (cut_occ_states is not set)"


def _edge(path: Path, given: XInput) -> str:
    """Edge by its usual name: ``L23`` of the program is ``L2,3``."""
    if given.edge not in _EDGES:
        raise EngineError(
            "unknown_absorber",
            f"{path.name}: edge = {given.edge!r} in its input; xspectra.x has {', '.join(_EDGES)}",
        )
    return _EDGES[given.edge]


def run_of(path: Path, header: str, energy: np.ndarray) -> Run:
    """Input, output and pw.x file that belong to a spectrum: by name, else by what they say.

    An input belongs to it if it has its name (or its ``x_save_file``) or if it is the only one in
    the nearest folder that agrees with the header and the energies.
    """
    given, output, pw, reasons = None, None, None, []
    for candidate in (Folder(path.parent), Folder(path.parent.parent)):
        own = namelists.inputs(candidate)
        if given is None and own:
            fitting = [i for i in own if _agrees(i, header, energy)]
            groups = (_different(g) for g in _by_name(fitting, path))
            given = next((f for f in (_one(g) for g in groups) if f), None)
            if given is None:
                names = ", ".join(i.path.name for i in own)
                why = "none agrees" if not fitting else "several agree"
                reasons.append(f"of the inputs of xspectra.x ({names}) {why} with {path.name}")
            break
    for candidate in (Folder(path.parent), Folder(path.parent.parent)):
        outputs = namelists.outputs(candidate)
        output = output or _output_of(path, given, outputs, len(_spectra(candidate)))
        pw = pw or _pw_of(path, given, output, namelists.pw_files(candidate))
    return Run(given, output, pw, "; ".join(reasons))


def _one(found: Sequence[_T]) -> _T | None:
    return found[0] if len(found) == 1 else None


def _different(found: Sequence[XInput]) -> list[XInput]:
    """Of inputs that say the same, copies of each other, the first."""
    return list({tuple(sorted(i.keys.items())): i for i in reversed(found)}.values())


def _by_name(found: list[XInput], path: Path) -> Iterator[list[XInput]]:
    """Inputs of the same name, of nearly the same, those that wrote it, all: in this order."""
    yield [i for i in found if stem(i.path) == stem(path)]
    yield [i for i in found if _bare(i.path, i.edge) == _bare(path, i.edge)]
    yield [i for i in found if stem(Path(i.keys.get("x_save_file", ""))) == stem(path)]
    yield found


def _bare(path: Path, edge: str) -> str:
    """Name without separators, the edge and the words that say what kind of file it is."""
    words = re.split(r"[._\-]", stem(path))
    return "".join(w for w in words if w not in ("xanes", "xspectra", "xs", edge.lower()))


def _agrees(given: XInput, header: str, energy: np.ndarray) -> bool:
    """Whether an input asks for what header and energies of a spectrum show."""
    kind = _TYPE.search(header)
    width, asked = _BROADENING.search(header), given.number("xgamma")
    momentum = _MOMENTUM.search(header)
    wanted = _OPERATORS.get(given.calculation) if given.edge == "K" else None
    step = float(np.median(np.diff(energy)))
    first, last = given.number("xemin"), given.number("xemax")
    return not (
        (kind and int(kind.group(1)) != given.absorber)
        or (width and asked is not None and abs(float(width.group(1)) - asked) > 6e-4)
        or (momentum and wanted and momentum.group(1) != wanted)
        or (first is not None and abs(energy[0] - first) > step)
        or (last is not None and energy[-1] > last + step)
    )


def _output_of(
    path: Path, given: XInput | None, found: list[XOutput], spectra: int
) -> XOutput | None:
    edge = given.edge if given else ""
    groups = [[o for o in found if stem(o.path) == stem(path)]]
    if given:
        groups.append([o for o in found if stem(o.path) == stem(given.path)])
    groups.append([o for o in found if _bare(o.path, edge) == _bare(path, edge)])
    by_name = next((g for g in groups if g), [])
    if by_name:
        return _one(by_name)
    prefix = given.keys.get("prefix", "") if given else ""
    by_prefix = [o for o in found if prefix and o.prefix == prefix]
    if len(found) == 1 and spectra <= 1 and found[0].prefix in ("", prefix):
        return found[0]
    return _one(by_prefix) if spectra <= 1 else None


def _pw_of(
    path: Path, given: XInput | None, output: XOutput | None, found: list[Path]
) -> Path | None:
    """The pw.x file with the run's prefix, else with its name, else the only one of its kind."""
    prefix = given.keys.get("prefix", "pwscf") if given else output.prefix if output else ""
    by_prefix = [
        p for p in found if namelists.namelists(read_text(p)).get("prefix", "pwscf") == prefix
    ]
    head = stem(path).split(".")[0]
    by_name = [p for p in found if stem(p).split(".")[0] == head]
    for group in (by_prefix, by_name, found):
        kinds = {tuple(namelists.species(read_text(p))[0]) for p in group}
        with_types = [p for p in group if namelists.species(read_text(p))[0]]
        if group and len(kinds - {()}) == 1:
            return with_types[0]
    return None


def _check_whole(path: Path, given: XInput | None, energy: np.ndarray) -> None:
    last = given.number("xemax") if given else None
    if last is not None and energy[-1] < last - 1.5 * float(np.median(np.diff(energy))):
        raise EngineError(
            "truncated_output",
            f"{path.name} ends at {energy[-1]:g} eV, its input asks for {last:g} (xemax)",
        )


def _operator(path: Path, header: str, given: XInput | None) -> str:
    """Dipole or quadrupole; special ones are named with what makes them so."""
    momentum = _MOMENTUM.search(header)
    if given is None:
        by_header = {v: k for k, v in _OPERATORS.items()}
        return by_header.get(momentum.group(1) if momentum else "", "operator not stated")
    if given.calculation not in _OPERATORS and given.calculation not in ("xanes", "dipole"):
        raise EngineError(
            "not_absorption", f"{path.name}: calculation = '{given.calculation}' in its input"
        )
    name = given.calculation if given.calculation != "xanes" else "dipole"
    true = [k for k in ("lplus", "lminus") if given.keys.get(k, "").lower().strip(".")[:1] == "t"]
    return " ".join([name, *(f"({k})" for k in true)])


def _zero(run: Run, path: Path) -> float | None:
    if run.given is not None and run.given.zero is not None:
        return run.given.zero
    if run.output is not None and run.output.zero is not None:
        return number(run.output.zero, path)
    return None


def _zero_remark(zero: float, efermi: float) -> str:
    text = f"zero at xe0 = {zero:g} eV"
    if abs(zero - efermi) < 5e-4:
        text += ", the Fermi level"
    elif np.isfinite(efermi):
        side = "below" if zero < efermi else "above"
        text += f", {abs(zero - efermi):.4g} eV {side} the Fermi level"
    return text


def _absorber(header: str, run: Run) -> tuple[str, int | None, str]:
    """Element, site and where they are from: ``xiabs`` counts the types of ATOMIC_SPECIES."""
    kind = _TYPE.search(header)
    if run.given is None and kind is None:
        return "", None, run.open or "no input of xspectra.x"
    wanted = run.given.absorber if run.given else int(kind.group(1)) if kind else 1
    if run.pw is None:
        return "", None, run.open or "no input of pw.x with ATOMIC_SPECIES that is its own"
    kinds, sites = namelists.species(read_text(run.pw))
    if not 0 < wanted <= len(kinds):
        return "", None, f"{run.pw.name} has no type {wanted}"
    chosen = kinds[wanted - 1]
    own = [i for i, label in enumerate(sites) if label == chosen.label]
    label = f"xiabs = {wanted}, type {chosen.label} of {run.pw.name}"
    return namelists.element_of(chosen), own[0] if len(own) == 1 else None, label
