"""Inputs and outputs of Quantum ESPRESSO: what one run of xspectra.x or pw.x says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from defectra.core.fortran import real
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.finished.reader import Folder

XE0_UNSET = 1e4  # the program's own default, which means: the Fermi level
_KEY = re.compile(
    r"([a-z_]\w*(?:\(\s*\d+\s*\))?)\s*=\s*('[^']*'|\"[^\"]*\"|[^,\s!/][^,\s!]*)?", re.I
)
_FERMI = re.compile(r"\bef\s+\[eV\]\s*[:=]?\s*(-?[\d.]+)")
_ZERO = re.compile(r"\bxe0\s+\[eV\]\s*[:=]?\s*(-?[\d.]+)\s*\(energy zero read")
_SAVE = re.compile(r"SCF save directory \((.+?)\.save\)")
_DONE = re.compile(r"END JOB XSpectra|JOB DONE")


@dataclass(frozen=True)
class XInput:
    """An input of xspectra.x.

    Attributes
    ----------
    keys
        All namelists together, lower-case names, values without quotes.
    """

    path: Path
    keys: Mapping[str, str]

    @property
    def calculation(self) -> str:
        """``dipole``, ``quadrupole`` or whatever else was asked for."""
        return self.keys.get("calculation", "xanes").removeprefix("xanes_") or "xanes"

    @property
    def edge(self) -> str:
        """Edge; K is the program's default."""
        return self.keys.get("edge", "K").strip().upper()

    @property
    def absorber(self) -> int:
        """Number of the absorbing type; 1 is the program's default."""
        value = self.number("xiabs")
        return int(value) if value is not None else 1

    def number(self, key: str) -> float | None:
        """A number; None if it is not given."""
        try:
            return real(self.keys[key])
        except (KeyError, ValueError):
            return None

    @property
    def zero(self) -> float | None:
        """Energy of the zero of the spectrum (eV); None where it is the Fermi level."""
        value = self.number("xe0")
        return None if value is None or abs(value - XE0_UNSET) < 1e-3 else value


@dataclass(frozen=True)
class XOutput:
    """What the text output of xspectra.x says; None for what it does not."""

    path: Path
    prefix: str
    fermi: str | None
    zero: str | None
    version: str
    finished: bool


def namelists(text: str) -> dict[str, str]:
    """Keys of all namelists, the last mention of each, as Fortran reads them."""
    out: dict[str, str] = {}
    for line in text.splitlines():
        for key, value in _KEY.findall(_uncommented(line)):
            name = re.sub(r"\s", "", key.lower())
            out[name] = value.strip("'\" ") if value else ""
    return {k: v for k, v in out.items() if v}


def _uncommented(line: str) -> str:
    quoted = ""
    for at, letter in enumerate(line):
        if letter in "'\"":
            quoted = "" if quoted == letter else quoted or letter
        elif letter == "!" and not quoted:
            return line[:at]
    return line


def inputs(folder: Folder) -> list[XInput]:
    """Inputs of xspectra.x in a folder."""
    found = [p for p in folder.files if "&input_xspectra" in folder.head(p).lower()]
    return [XInput(p, namelists(read_text(p))) for p in found]


def outputs(folder: Folder) -> list[XOutput]:
    """Text outputs of xspectra.x in a folder."""
    return [_output(p) for p in folder.files if "Program XSpectra" in folder.head(p)]


def _output(path: Path) -> XOutput:
    text = read_text(path)
    save, fermi, zero = _SAVE.search(text), _FERMI.search(text), _ZERO.search(text)
    version = re.search(r"Program XSpectra v\.([\d.]+)", text)
    return XOutput(
        path,
        save.group(1).split("/")[-1] if save else "",
        fermi.group(1) if fermi else None,
        zero.group(1) if zero else None,
        f"XSpectra {version.group(1)}" if version else "XSpectra",
        bool(_DONE.search(text)),
    )


def pw_files(folder: Folder) -> list[Path]:
    """Inputs and outputs of pw.x in a folder: they hold the structure."""
    return [
        p
        for p in folder.files
        if "&SYSTEM" in folder.head(p).upper() or "Program PWSCF" in folder.head(p)
    ]


def stem(path: Path) -> str:
    """Name without its last ending, lower case."""
    return plain_name(path).rpartition(".")[0].lower()


@dataclass(frozen=True)
class Kind:
    """A row of ATOMIC_SPECIES."""

    label: str
    mass: float
    pseudo: str


def species(text: str) -> tuple[list[Kind], list[str]]:
    """Types of ATOMIC_SPECIES and the labels of ATOMIC_POSITIONS, in their order."""
    rows = rows_after(text, ("ATOMIC_SPECIES", "ATOMIC_POSITIONS"))
    kinds = []
    for words in rows["ATOMIC_SPECIES"]:
        try:
            mass = real(words[1])
        except (IndexError, ValueError):
            mass = float("nan")
        kinds.append(Kind(words[0], mass, words[2] if len(words) > 2 else ""))
    return kinds, [r[0] for r in rows["ATOMIC_POSITIONS"] if len(r) >= 4]


def element_of(kind: Kind) -> str:
    """Element of a type such as ``Oh``, ``C_h``, ``Tih``, ``Ni2``; empty if it stays open.

    Mass, then pseudopotential decide between one and two letters; without them the longer. Where
    both tell an element that the label does not start with (``Ho`` with mass and potential of
    oxygen), the type stays open.
    """
    from pymatgen.core import Element

    letters = re.match(r"[A-Za-z]{1,3}", kind.label)
    if letters is None:
        return ""
    word = letters.group().capitalize()
    options = [word[:n] for n in (2, 1) if len(word) >= n and Element.is_valid_symbol(word[:n])]
    pseudo = re.match(r"([A-Za-z]+)", kind.pseudo)
    named = pseudo.group(1).capitalize() if pseudo else ""
    if named not in options and Element.is_valid_symbol(named) and _has_mass(named, kind.mass):
        return ""
    by_mass = [e for e in options if _has_mass(e, kind.mass)]
    by_name = [e for e in options if named == e]
    return (by_mass or by_name or options or [""])[0]


def _has_mass(element: str, mass: float) -> bool:
    from pymatgen.core import Element

    return abs(float(Element(element).atomic_mass) / mass - 1) < 0.01 if mass else False


# Cards of pw.x by its manual; a type such as `Ti_h` is none.
_CARDS = {
    "ATOMIC_SPECIES", "ATOMIC_POSITIONS", "K_POINTS", "ADDITIONAL_K_POINTS", "CELL_PARAMETERS",
    "CONSTRAINTS", "OCCUPATIONS", "ATOMIC_VELOCITIES", "ATOMIC_FORCES", "SOLVENTS", "HUBBARD",
}  # fmt: skip


def rows_after(text: str, cards: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """Rows of words that follow each card of a pw.x input, to the next card or namelist."""
    out: dict[str, list[list[str]]] = {c: [] for c in cards}
    current: list[list[str]] | None = None
    for line in text.splitlines():
        words = re.split(r"[!#]", line)[0].split()
        if not words:
            continue
        card = re.split(r"[({]", words[0])[0].upper()
        if words[0].startswith(("&", "/")) or card in _CARDS:
            current = out.get(card)
        elif current is not None:
            current.append(words)
    return out
