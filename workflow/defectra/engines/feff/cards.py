"""Cards of ``feff.inp`` as FEFF reads them, and what they make of its ``xmu.dat``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from defectra.core.fortran import real
from defectra.core.textfiles import read_text
from defectra.engines.edges import symbol

_COMMENT = re.compile(r"[*!#%]")
_HOLES = dict(zip("123456789", ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5")))
# FEFF knows a card by its first four letters (its function `itoken`); these give no absorption.
_OTHER = {
    "XES": "XES: emission",
    "DANE": "DANES: anomalous scattering factors",
    "FPRI": "FPRIME: anomalous scattering factors",
    "XNCD": "XNCD: natural circular dichroism",
    "XMCD": "XMCD: magnetic circular dichroism",
    "ELNE": "ELNES: electron energy loss",
    "EXEL": "EXELFS: electron energy loss",
    "NRIX": "NRIXS: inelastic scattering at a momentum transfer",
    "COMP": "COMPTON: a Compton profile",
    "DENS": "DENSITY: an electron density",
    "RIXS": "RIXS: resonant inelastic scattering",
}
_TOLD = {
    "SPIN": "card SPIN", "POLA": "card POLARIZATION", "ELLI": "card ELLIPTICITY",
    "MULT": "card MULTIPOLE", "CFAV": "card CFAVERAGE: a mean over several absorbers",
    "TDLD": "card TDLDA", "PMBS": "card PMBSE", "NOHO": "card NOHOLE: no core hole",
    "ABSO": "card ABSOLUTE: not normalised", "HUBB": "card HUBBARD",
    "SFCO": "card SFCONV: convolved with the many-body spectral function",
    "DEBY": "card DEBYE: damped by thermal motion", "SIG2": "card SIG2: damped by disorder",
    "SIGG": "card SIGGK: damped by disorder", "CHSH": "card CHSHIFT: energies moved",
    "CHBR": "card CHBROADENING: another broadening",
    "CHWI": "card CHWIDTH: another width of the core hole",
    "ION": "card ION: charged atoms", "MPSE": "card MPSE: many-pole self-energy",
    "PLAS": "card PLASMON: many-pole self-energy", "TEMP": "card TEMP: warm electrons",
    "SETE": "card SETEDGE: the edge of a table", "INTE": "card INTERSTITIAL",
    "UNFR": "card UNFREEZEF: f states of the valence",
}  # fmt: skip


@dataclass(frozen=True)
class Input:
    """What ``feff.inp`` says.

    Attributes
    ----------
    other
        What the spectrum is, if it is no absorption; empty if it is one.
    notes
        Cards that make it a special absorption.
    shells
        (element, distance in Å) of the listed atoms, the absorber first; empty without a list.
    target
        Absorber in the list of the CIF, from 0; None if there is none.
    structure
        Cell that pymatgen wrote into the title lines, if any.
    """

    text: str
    edge: str
    other: str
    notes: tuple[str, ...]
    shells: tuple[tuple[str, float], ...]
    target: int | None
    cif: str
    structure: tuple[np.ndarray, list[str], np.ndarray] | None

    @classmethod
    def read(cls, path: Path) -> Input:
        """Read a ``feff.inp``."""
        text = read_text(path)
        cards = cards_of(text)
        edge = next((w[0] for c, w in reversed(cards.items()) if c in ("EDGE", "HOLE") and w), "K")
        target = (cards.get("TARG") or cards.get("MARK") or [""])[0]
        several = "CFAV" in cards
        return cls(
            text,
            _HOLES.get(edge, edge.upper()),
            next((_OTHER[c] for c in cards if c in _OTHER), ""),
            (
                *(_TOLD[c] for c in cards if c in _TOLD),
                *_hole(cards),
                *_paths(cards),
                *_moved(cards),
            ),
            () if several else _shells(text, cards),
            int(target[:9]) - 1 if target.isdecimal() else None,
            (cards.get("CIF") or [""])[0],
            _title_cell(text),
        )


def _hole(cards: dict[str, list[str]]) -> list[str]:
    """What is unusual about the core hole: FEFF makes one of its final state rule (FSR)."""
    kind = (cards.get("CORE") or ["FSR"])[0].upper()
    words = "no core hole" if kind == "NONE" else f"core hole {kind}"
    return [] if kind == "FSR" else [f"card COREHOLE: {words}"]


def _paths(cards: dict[str, list[str]]) -> list[str]:
    """What is no full multiple scattering about the absorber, or not calculated in this run."""
    out = []
    if "EXAF" in cards and "XANE" not in cards:
        out.append("card EXAFS: a sum over scattering paths")
    elif "XANE" in cards and "FMS" not in cards:
        out.append("no card FMS: no full multiple scattering")
    steps = cards.get("CONT", [])
    if steps[:1] == ["0"]:
        out.append("card CONTROL: the potentials are those of an earlier run")
    for card, at in (("S02", 0), ("EDGE", 1), ("HOLE", 1)):  # of each the same amplitude
        amplitude = (cards.get(card, [])[at:] or ["1"])[0]
        if re.fullmatch(r"\d*\.?\d+|\d+\.", amplitude) and float(amplitude) not in (0.0, 1.0):
            out.append(f"card {card}: fine structure times {amplitude}")
    return out


def _moved(cards: dict[str, list[str]]) -> list[str]:
    """What moves the energies, broadens the spectrum, or is no Hedin-Lundqvist self-energy.

    Cards ``CORRECTIONS vr vi`` and ``EXCHANGE model vr vi``, both in eV.
    """
    out = []
    model = (cards.get("EXCH") or ["0"])[0]
    if model not in ("0", "0.0"):
        out.append(f"card EXCHANGE: model {model} of the self-energy")
    for card, name, first in (("CORR", "CORRECTIONS", 0), ("EXCH", "EXCHANGE", 1)):
        for word, what in zip(cards.get(card, [])[first : first + 2], ("moved by", "broadened by")):
            try:
                value = real(word)
            except ValueError:
                continue
            if value:
                out.append(f"card {name}: {what} {value:g} eV")
    return out


def _words(line: str) -> list[str]:
    return re.split(r"[\s,=]+", _COMMENT.split(line)[0].strip())


def cards_of(text: str) -> dict[str, list[str]]:
    """Words after each card by its first four letters; of two the later, to the card END."""
    out: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = _words(line)
        card = words[0].upper()[:4]
        if card == "END":
            break
        if re.match(r"[A-Z]", card) and card != "TITL":
            out.pop(card, None)
            out[card] = words[1:]
    return out


def _shells(text: str, cards: dict[str, list[str]]) -> tuple[tuple[str, float], ...]:
    numbers = _potentials(text)
    rows = []
    for words in _block(text, "ATOM"):
        try:
            rows.append((np.array([real(w) for w in words[:3]]), int(words[3])))
        except (ValueError, IndexError):
            break
    factor = _scale(cards)
    centre = next((xyz for xyz, ipot in rows if ipot == 0), None)
    if centre is None or factor is None or any(ipot not in numbers for _, ipot in rows):
        return ()
    atoms = [(numbers[i], factor * float(np.linalg.norm(xyz - centre)), i) for xyz, i in rows]
    atoms.sort(key=lambda a: (a[2] != 0, a[1]))
    return tuple((element, distance) for element, distance, _ in atoms)


def _scale(cards: dict[str, list[str]]) -> float | None:
    """Factor of the listed distances (card RMULTIPLIER); None if it is no number."""
    try:
        return real((cards.get("RMUL") or ["1"])[0])
    except ValueError:
        return None


def _potentials(text: str) -> dict[int, str]:
    out = {}
    for words in _block(text, "POTE"):
        try:
            out[int(words[0])] = symbol(int(words[1])) or ""
        except (ValueError, IndexError):
            break
    return out


def _block(text: str, card: str) -> list[list[str]]:
    """Rows of numbers that follow a card."""
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        words = _words(line)
        if not words[0]:
            continue
        if re.match(r"[A-Za-z]", words[0]):
            if words[0].upper().startswith("END"):
                break
            inside = words[0].upper().startswith(card)
        elif inside:
            rows.append(words)
    return rows


def _title_cell(text: str) -> tuple[np.ndarray, list[str], np.ndarray] | None:
    """Cell in the title lines that pymatgen writes."""
    from pymatgen.core import Lattice

    lengths = re.search(r"TITLE\s+abc:\s*([-\d.\s]+)\n", text)
    angles = re.search(r"TITLE\s+angles:\s*([-\d.\s]+)\n", text)
    sites = re.findall(
        r"^\*\s+\d+\s+([A-Z][a-z]?)\s+(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+)", text, re.M
    )
    if not (lengths and angles and sites):
        return None
    try:
        lattice = Lattice.from_parameters(
            *[float(v) for v in lengths.group(1).split()],
            *[float(v) for v in angles.group(1).split()],
        )
        coords = np.array([[float(v) for v in s[1:]] for s in sites])
    except (TypeError, ValueError):
        return None
    return lattice.matrix, [s[0] for s in sites], coords
