"""Finished runs of Quantum ESPRESSO's xspectra.x."""

from __future__ import annotations

import re
from pathlib import Path

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.finished.columns import mean_of, number
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

ENGINE = "xspectra"
PARSER_VERSION = "1"
UNIT = "xspectra cross section"

_MARK = "final state angular momentum"
_FERMI = re.compile(r"ef\s+\[eV\]\s*[:=]?\s*(-?[\d.]+)")
_DIPOLE = re.compile(r"dipole\d$|pol\d$|eps\d$", re.I)


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Files ``xanes.dat`` by name or content; those of ``dipole1``, ``dipole2`` … are one."""
    own: list[tuple[Path, ...]] = [(p,) for p in _spectra(folder)]
    if own:
        return [] if _DIPOLE.search(folder.path.name) and _siblings(folder.path.parent) else own
    together = _siblings(folder.path)
    return [tuple(together)] if together else []


def _spectra(folder: Folder) -> list[Path]:
    return [
        p
        for p in folder.files
        if plain_name(p).lower() == "xanes.dat" or _MARK in folder.head(p)[:300].lower()
    ]


def _siblings(parent: Path) -> list[Path]:
    """Spectra of the polarisation folders below `parent`, if there are at least two."""
    places = [p for p in sorted(parent.iterdir()) if p.is_dir() and _DIPOLE.search(p.name)]
    found = [s[0] for s in (_spectra(Folder(p)) for p in places) if s]
    return found if len(found) > 1 else []


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read the (mean of the) cross sections; energies count from the Fermi level."""
    header, energy, mu = mean_of(files, 1)
    text = "\n".join(header).lower()
    if _MARK not in text:
        raise EngineError("bad_output", f"{files[0].name}: not the header of xspectra.x")
    told = _outputs(folder)
    momentum = re.search(rf"{_MARK}:\s*(\d)", text)
    dipole = momentum is not None and momentum.group(1) in "12"
    efermi = number(told["efermi"], files[0]) if "efermi" in told else float("nan")
    whole = "JOB DONE" in told["text"] if "text" in told else None
    inputs = _pw_files(folder)
    element, index, label = _absorber(folder, inputs)
    return Reading(
        spectrum(energy, mu, efermi=efermi, converged=whole),
        Absorber(element, told.get("edge", "K" if dipole else ""), index, label),
        told.get("version", "XSpectra"),
        Axis.FERMI,
        UNIT,
        whole,
        structures=tuple(inputs),
        note=f"mean of {len(files)} polarisations" if len(files) > 1 else "one polarisation",
    )


def _absorber(folder: Folder, pw: list[Path]) -> tuple[str, int | None, str]:
    """Element, site and where they are from: ``xiabs`` counts the types of ATOMIC_SPECIES."""
    number = 0
    for place in (folder, Folder(folder.path.parent)):
        for path in place.files:
            found = re.search(r"xiabs\s*=\s*(\d+)", place.head(path))
            number = number or (int(found.group(1)) if found else 0)
    for path in pw:
        rows = _rows_after(read_text(path), ("ATOMIC_SPECIES", "ATOMIC_POSITIONS"))
        kinds = [r[0] for r in rows["ATOMIC_SPECIES"]]
        if 0 < number <= len(kinds):
            kind = kinds[number - 1]
            sites = [i for i, r in enumerate(rows["ATOMIC_POSITIONS"]) if r[0] == kind]
            element = re.match(r"[A-Z][a-z]?", kind.capitalize())
            index = sites[0] if len(sites) == 1 else None
            return element.group() if element else "", index, f"xiabs = {number}, type {kind}"
    return "", None, "no input with xiabs and ATOMIC_SPECIES"


def _rows_after(text: str, cards: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """Rows of words that follow each card of a pw.x input, to the next card or namelist."""
    out: dict[str, list[list[str]]] = {c: [] for c in cards}
    current: list[list[str]] | None = None
    for line in text.splitlines():
        words = line.split("!")[0].split()
        if not words:
            continue
        if words[0].startswith(("&", "/")) or (words[0].isupper() and len(words[0]) > 3):
            current = out.get(words[0].upper())
        elif current is not None:
            current.append(words)
    return out


def _outputs(folder: Folder) -> dict[str, str]:
    """What the text output of xspectra.x tells."""
    out: dict[str, str] = {}
    for path in folder.files:
        head = folder.head(path)
        if "Program XSpectra" in head:
            text = read_text(path)
            fermi, version = _FERMI.search(text), re.search(r"Program XSpectra v\.([\d.]+)", text)
            edge = re.search(r"edge\s*[:=]\s*'?([KL]\d*)", text)
            out["text"] = text
            out |= {"efermi": fermi.group(1)} if fermi else {}
            out |= {"version": f"XSpectra {version.group(1)}"} if version else {}
            out |= {"edge": edge.group(1)} if edge else {}
    return out


def _pw_files(folder: Folder) -> list[Path]:
    """Inputs and outputs of pw.x in the folder or the one above: they hold the structure."""
    found = []
    for place in (folder, Folder(folder.path.parent)):
        found += [
            p
            for p in place.files
            if "&SYSTEM" in place.head(p).upper() or "Program PWSCF" in place.head(p)
        ]
    return found
