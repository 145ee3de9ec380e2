"""Finished runs of FDMNES: convolved and plain spectra with their indata file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.edges import symbol
from defectra.engines.fdmnes import cells
from defectra.engines.fdmnes.cells import Cards
from defectra.engines.finished.columns import mean_of, number
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

Floats = NDArray[np.float64]
ENGINE = "fdmnes"
PARSER_VERSION = "3"
COMPANIONS = re.compile(
    r"fdmfile\.txt|fdmnes_error\.txt|.*_(bav|scan|scan_conv|nodipl|sd\d*|tddft.*|gamma_hole)\.txt",
    re.I,
)
MARKS: tuple[str, ...] = ("filout", "= e_edge, z, n_edge")

_HEADER = re.compile(r"^#?\s*([^=\n]+?)=\s*(E_edge\s*,.*)$", re.M)
_OTHER = {  # beginnings of cards
    "xes": "emission", "photo_emi": "emission", "photoemi": "emission",
    "nrixs": "inelastic scattering", "rixs": "resonant inelastic scattering",
}  # fmt: skip
_OPERATORS = {
    "quadrupole": "with quadrupole", "octupole": "with octupole", "e1e2": "with E1E2",
    "dip_mag": "with magnetic dipole", "e1m1": "with magnetic dipole",
    "no_e1e1": "without dipole", "self_abs": "with self-absorption",
    "full_self_abs": "with self-absorption",
}  # fmt: skip
_AVERAGE = ("<xanes>", "xanes", "<xanes_tot>")
_CONVOLVED = re.compile(r"_conv(?:_\d+)?\.(?:txt|dat)$", re.I)
_ENDING = re.compile(r"\.(?:txt|dat)$", re.I)
_PRINTED = re.compile(r"\s*FDMNES(?: II)? program", re.I)
_TDDFT = re.compile(r"_tddft(?:_\d+)?$", re.I)
_NUMBERED = re.compile(r"_\d+$")
_SHELLS = {(1, 1): "K", (2, 1): "L1", (2, 2): "L2", (2, 3): "L3", (3, 4): "M4", (3, 5): "M5"}
_CARDS = {
    "k": "K", "l1": "L1", "l2": "L2", "l3": "L3", "l23": "L2,3", "m4": "M4", "m5": "M5",
    "m45": "M4,5",
}  # fmt: skip


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Convolved spectra, plain ones that have no convolved one, else an indata file alone."""
    convolved = [p for p in folder.files if _is_convolved(p, folder)]
    stems = {_stem(p) for p in convolved}
    plain = [
        p for p in folder.files if _HEADER.search(folder.head(p)[:1500]) and _stem(p) not in stems
    ]
    spectra = [*convolved, *plain]
    written = {_NUMBERED.sub("", _stem(p)).lower() for p in spectra}
    asked = [p for p in folder.files if is_indata(folder.head(p))]
    unfinished = [p for p in asked if _filout(folder.head(p)) not in written]
    renamed = len(asked) == len(unfinished) == len(spectra) == 1
    return [(p,) for p in (*spectra, *([] if renamed else unfinished))]


def _is_convolved(path: Path, folder: Folder) -> bool:
    words = folder.head(path).split(maxsplit=3)[:2]
    spectral = len(words) == 2 and words[0] == "Energy" and words[1].startswith("<xanes>")
    named = bool(_CONVOLVED.search(plain_name(path)))
    return spectral or (named and "<xanes>" in folder.head(path))


def _stem(path: Path) -> str:
    return _ENDING.sub("", _CONVOLVED.sub("", plain_name(path)))


def is_indata(text: str) -> bool:
    """Whether a text is an indata file: it names the output, a cluster radius and a cell."""
    words = {line.strip().split()[0].lower() for line in text.splitlines() if line.strip()}
    cell = words & {"crystal", "molecule", "cif_file", "film"}
    return {"filout", "range"} <= words and bool(cell) and bool(words & {"radius", "rayon"})


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read a spectrum; edge and Fermi level from the plain output, the cell from indata."""
    path = files[0]
    if is_indata(folder.head(path)):
        raise EngineError("not_finished", f"{path.name} is there, but no spectrum")
    indata = _indata_of(path, folder)
    cards = cards_of(indata[1]) if indata else {}
    other = next((what for c in cards for o, what in _OTHER.items() if c.startswith(o)), "")
    if other:
        raise EngineError("not_absorption", f"{path.name}: its indata file asks for {other}")
    beside = dict.fromkeys(_OPERATORS[c] for c in cards if c in _OPERATORS)
    if _TDDFT.search(_stem(path)):  # written beside that of independent particles
        beside["with TDDFT"] = None
    lines, energy, mu = mean_of(files, 1)
    _check_column(path, lines)
    _check_whole(path, energy, cards)
    header = _header(path, folder)
    axis = _axis(energy, header.get("E_edge", float("nan")))
    cell = cells.own(cards)
    _check_own(path, header, cards, cell)
    mu, summed = _per_atom(path, mu, header, folder)
    return Reading(
        spectrum(
            energy,
            mu,
            efermi=header.get("E_Fermi", header.get("E_cut", float("nan"))),
            edge=header.get("E_edge", float("nan")),
            converged=_converged(path, folder),
        ),
        _absorber(path, header, cards),
        "FDMNES",
        axis,
        ", ".join(["Mbarn", *([] if _is_convolved(path, folder) else ["not convolved"]), *beside]),
        _converged(path, folder),
        _identity(path, indata),
        _cif(indata),
        cell[0] if cell else None,
        cell[1] if cell else (),
        note=summed,
    )


def _check_whole(path: Path, energy: Floats, cards: Cards) -> None:
    """Refuse a spectrum that ends a tenth of the range before the end of the card Range."""
    asked = [number(w, path) for w in (cards.get("range") or [[]])[0]]
    if len(asked) < 3 or energy[0] > asked[-1]:  # absolute energies
        return
    if asked[-1] - energy[-1] > 0.1 * (asked[-1] - asked[0]):
        raise EngineError(
            "truncated_output",
            f"{path.name} ends at {energy[-1]:g} eV, its Range asks for {asked[-1]:g}",
        )


def _check_own(
    path: Path, header: dict[str, float], cards: Cards, cell: tuple[Any, tuple[int, ...]] | None
) -> None:
    """Refuse an indata file of another element or edge than the header of the output."""
    z = int(header.get("Z", 0))
    shell = _SHELLS.get((int(header.get("n_edge", 0)), int(header.get("j_edge", 0))), "")
    given, asked = _first(cards, "z_absorber") or "", _first(cards, "edge") or "K" * bool(cards)
    other = symbol(int(given[:9])) if given.isdecimal() else ""
    number_, _ = _number(path, cards)
    if not other and cards and cell and number_ is not None:
        numbers = list(cell[1]) or list(range(len(cell[0][1])))
        other = cell[0][1][numbers.index(number_)] if number_ in numbers else ""
    edge = _CARDS.get(asked.lower(), "")
    wrong = [
        f"{what} {ours} in its header, {theirs} in the indata file beside it"
        for what, ours, theirs in (("element", symbol(z) or "", other or ""), ("edge", shell, edge))
        if ours and theirs and not (ours == theirs or (what == "edge" and ours[:1] == theirs[:1]
                                    and ours[1:] in theirs))
    ]  # fmt: skip
    if wrong:
        raise EngineError("mixed_files", f"{path.name}: {'; '.join(wrong)}")


def _per_atom(
    path: Path, mu: Floats, header: dict[str, float], folder: Folder
) -> tuple[Floats, str]:
    """Absorption of one absorbing atom, and what was divided by.

    The program writes the sum over the equivalent atoms of the cell (``natomsym`` of the header),
    a convolved file that over all absorbers whose plain files stand beside it.
    """
    numbers = [
        own.get("natomsym", own.get("natomsym_f", 0.0))
        for p in folder.files
        if _is_convolved(path, folder) and _NUMBERED.sub("", _stem(p)) == _stem(path) != _stem(p)
        and (own := _numbers(folder, p))
    ]  # fmt: skip
    total = sum(numbers) or header.get("natomsym", header.get("natomsym_f", 0.0))
    if total < 1 or not all(numbers):
        return mu, "" if total == 1 else "sum over the equivalent atoms, whose number is not stated"
    return mu / total, f"sum over {total:g} atoms, divided by it" if total > 1 else ""


def _check_column(path: Path, lines: list[str]) -> None:
    """Refuse a second column that is not the mean over polarisations."""
    names = next((x.split() for x in reversed(lines) if x.split()[:1] == ["Energy"]), None)
    if names is not None and (len(names) < 2 or names[1].lower() not in _AVERAGE):
        raise EngineError(
            "bad_output",
            f"{path.name}: the second column is {names[1:2] or 'missing'}, not <xanes>; columns: "
            f"{' '.join(names)[:80]}",
        )


def _identity(path: Path, indata: tuple[Path, str] | None) -> dict[str, str]:
    """Indata file with the output that is meant: one run may write several absorbers."""
    return {"indata": indata[1], "output": plain_name(path)} if indata else {}


def _header(path: Path, folder: Folder) -> dict[str, float]:
    """Numbers in the headers of a spectrum and its plain output, by the names that stand there.

    Since 2022 the convolved file has a header of its own, without element and edge.
    """
    out: dict[str, float] = {}
    for other in (path, *folder.files):
        if other != path and _ENDING.sub("", plain_name(other)) != _stem(path):
            continue
        out = _numbers(folder, other) | out
    return out


def _numbers(folder: Folder, path: Path) -> dict[str, float]:
    """Numbers in the header of one file by their names."""
    found = _HEADER.search(folder.head(path))
    if found is None:
        return {}
    names = [n.strip() for n in found.group(2).split(",")]
    return {n: number(v, path) for n, v in zip(names, found.group(1).lstrip("# ").split())}


def _axis(energy: np.ndarray, edge: float) -> Axis:
    """FDMNES writes energies from the edge on, or photon energies with card Energpho."""
    if np.isfinite(edge):
        return Axis.ABSOLUTE if energy[0] > edge / 2 > 10 else Axis.EDGE
    return Axis.ABSOLUTE if energy[0] > 30 else Axis.EDGE


def _absorber(path: Path, header: dict[str, float], cards: Cards) -> Absorber:
    """Element and edge by the header, else by the cards; the site is one of the list of atoms."""
    given = _first(cards, "z_absorber") or ""
    z = int(header.get("Z", 0)) or (int(given[:9]) if given.isdecimal() else 0)
    edge = _SHELLS.get((int(header.get("n_edge", 0)), int(header.get("j_edge", 0))), "")
    asked = _CARDS.get((_first(cards, "edge") or "K").lower(), "") if cards else ""
    number_, how = _number(path, cards)
    if not cards and "Z" not in header:
        how = (
            f"{path.name} gives no element: put the plain output ({_stem(path)}.txt) or the "
            "indata file beside it"
        )
    return Absorber(
        symbol(z) or "",
        asked if asked.startswith(edge[:1]) and asked else edge,
        None,
        how,
        listed=number_,
    )


def _number(path: Path, cards: Cards) -> tuple[int | None, str]:
    """Absorber in the list of atoms (from 0) that a spectrum is of; None if it is of several."""
    if not cards:
        return None, "header of the output"
    if "z_absorber" in cards:
        return None, "card Z_absorber: all atoms of the element"
    absorbers = [int(w[:9]) for row in cards.get("absorber", []) for w in row if w.isdecimal()]
    if not absorbers and "absorber" in cards:
        return None, "card Absorber: no numbers"
    own = re.search(r"_(\d+)$", _stem(path))
    if len(absorbers) > 1:
        if own and int(own.group(1)) in absorbers:
            return int(own.group(1)) - 1, f"card Absorber, number {own.group(1)} by the file name"
        return None, f"card Absorber: sum over {len(absorbers)} atoms"
    return (
        (absorbers[0] - 1, "card Absorber")
        if absorbers
        else (0, "the first atom, the program's default")
    )


def _first(cards: Cards, name: str) -> str | None:
    rows = cards.get(name)
    return rows[0][0] if rows and rows[0] else None


def _indata_of(path: Path, folder: Folder) -> tuple[Path, str] | None:
    """Indata file that names this output, in the folder or the one above."""
    wanted = _NUMBERED.sub("", _stem(path)).lower()
    found = []
    for candidate in (folder, Folder(folder.path.parent)):
        for other in candidate.files:
            if is_indata(candidate.head(other)):
                text = read_text(other)
                found.append((_filout(text) == wanted, other, text))
    found.sort(key=lambda f: not f[0])
    # Renamed files: the only indata file of the folder is taken as well.
    if found and (found[0][0] or len(found) == 1):
        return found[0][1], found[0][2]
    return None


def _filout(text: str) -> str:
    """Name of the output that an indata file asks for, without its folder, lower case."""
    return (_first(cards_of(text), "filout") or "").replace("\\", "/").split("/")[-1].lower()


def cards_of(text: str) -> Cards:
    """Keyword (lower case) -> rows of words below it, comments left out.

    A keyword is a line of one word, without digits at its start, that no row can be.
    """
    out: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    takes_word = {"filout", "edge", "cif_file", "comment", "spgroup", "conv_out"}
    name = ""
    for line in text.splitlines():
        words = line.split("!")[0].split()
        if not words:
            continue
        if name in takes_word and not current:
            current.append(words)
        elif re.match(r"[A-Za-z_]", words[0]):
            name = words[0].lower()
            current = out.setdefault(name, [])
        else:
            current.append(words)
    return out


def _cif(indata: tuple[Path, str] | None) -> tuple[Path, ...]:
    """File of the card Cif_file, beside the indata file whatever its path was."""
    name = _first(cards_of(indata[1]), "cif_file") if indata else None
    if not indata or not name:
        return ()
    path = indata[0].parent / name.replace("\\", "/").split("/")[-1]
    return (path,) if path.is_file() else ()


def _converged(path: Path, folder: Folder) -> bool | None:
    """What the bav file, or what the program printed, says of self-consistency; None without."""
    bav = folder.named(f"{_NUMBERED.sub('', _stem(path))}_bav.txt", "fdmnes_bav.txt")
    printed = [p for p in folder.files if _PRINTED.match(folder.head(p))]
    bav = bav or (printed[0] if len(printed) == 1 else None)
    if bav is None:
        return None
    text = read_text(bav).lower()
    if "calculation has not converged" in text or "not converged" in text:
        return False
    if "scf" not in text:
        return True
    return True if "converged" in text or "convergence" in text else None
