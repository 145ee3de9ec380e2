r"""Athena projects (.prj): gzipped Perl text (or JSON) of several spectra.

Only quoted strings between brackets are taken out of the Perl text; nothing in it is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.engines.edges import find
from defectra.spectra.measured_spectrum import Measured, SpectrumError
from defectra.spectra.measured_table import number

Floats = NDArray[np.float64]
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(undef|[-+\w.]+)|([\[\](){}])")


def is_project(text: str) -> bool:
    """Whether a text is an Athena project."""
    head = text[:600]
    return "Athena project file" in head or ('"_____header' in head and "Athena" in head)


def read(text: str) -> list[Measured]:
    """Absorption of each group, with what Athena stored: E0, edge step, element.

    `meta` holds the words of the group by their Athena names (``bkg_e0``, ``bkg_step`` …).
    Energies are shifted by Athena's own ``bkg_eshift``, and a note says so.

    Raises
    ------
    SpectrumError
        If no group holds absorption against energy.
    """
    groups = _json(text) if text.lstrip().startswith("{") else _perl(text)
    out: list[Measured] = []
    why: list[str] = []
    larch = {"written by": "Larch"} if "Using Larch version" in text[:2000] else {}
    for stored, arrays in groups:
        words = {**stored, **larch}
        label = words.get("label", "").strip() or f"group {len(out) + 1}"
        try:
            out.append(_spectrum(label, words, arrays))
        except SpectrumError as error:
            why.append(f"{label}: {error}")
    if not out:
        raise SpectrumError("Athena project: " + ("; ".join(why[:3]) or "no group in it"))
    return out


def _spectrum(label: str, words: dict[str, str], arrays: Mapping[str, Floats]) -> Measured:
    energy, mu = arrays.get("x"), arrays.get("y")
    if energy is None or mu is None or len(energy) != len(mu):
        raise SpectrumError("no energies, or not as many as values")
    if (
        words.get("datatype", "xmu") in ("chi", "detector", "background")
        or words.get("is_chi") == "1"
    ):
        raise SpectrumError("no absorption against energy, but chi(k) or a detector")
    element = words.get("bkg_z", "").capitalize()
    edge = words.get("fft_edge", "").upper()
    shift = number(words.get("bkg_eshift", "0") or "0") or 0.0
    notes = [f"Athena's shift of {shift:+g} eV is in the energies"] if shift else []
    if words.get("is_nor") == "1":
        notes.append("normalised before")
    known = bool(find(element, edge))
    return Measured(
        energy + shift,
        mu,
        "mu",
        element if known else "",
        edge if known else "",
        {**words, "energy unit": "eV"},
        tuple(notes),
        label,
    )


def _perl(text: str) -> list[tuple[dict[str, str], dict[str, Floats]]]:
    groups: list[tuple[dict[str, str], dict[str, Floats]]] = []
    words: dict[str, str] = {}
    arrays: dict[str, Floats] = {}
    for line in text.split("\n"):
        found = re.match(r"\s*[@$%](\w+)\s*=\s*(.*)", line)
        if re.match(r"\s*\[record\]", line):
            groups.append((words, arrays))
            words, arrays = {}, {}
        elif found and found.group(1) == "args":
            words = _pairs(found.group(2))
        elif found and found.group(1) in ("x", "y"):
            arrays[found.group(1)] = _floats([s for s, _ in _strings(found.group(2))])
    if arrays:  # a file without its last mark
        groups.append((words, arrays))
    return groups


def _strings(text: str) -> list[tuple[str, bool]]:
    """Strings and words of a Perl list without commas, and whether each is a bracket."""
    out = []
    for single, double, bare, bracket in _STRING.findall(text):
        plain = bare if bare and bare != "undef" else single or double
        out.append((bracket or re.sub(r"\\(.)", r"\1", plain), bool(bracket)))
    return [x for x in out if not (x[1] and x[0] in "()")]


def _pairs(text: str) -> dict[str, str]:
    """Key and value in turn; a list in brackets is one value."""
    flat: list[str] = []
    depth = 0
    for word, bracket in _strings(text):
        if bracket:
            depth += 1 if word in "[{" else -1
            if depth == 0:
                flat.append("")
        elif depth == 0:
            flat.append(word)
    return dict(zip(flat[::2], flat[1::2]))


def _floats(strings: list[str]) -> Floats:
    values = [number(s) for s in strings]
    return np.array([np.nan if v is None else v for v in values], np.float64)


def _json(text: str) -> list[tuple[dict[str, str], dict[str, Floats]]]:
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise SpectrumError(f"Athena project: damaged JSON: {error}") from None
    return [
        (_json_words(value["args"]), _json_arrays(value))
        for value in (raw.values() if isinstance(raw, dict) else [])
        if isinstance(value, dict) and isinstance(value.get("args"), list | dict)
    ]


def _json_words(args: Any) -> dict[str, str]:
    pairs = args.items() if isinstance(args, dict) else zip(args[::2], args[1::2])
    return {str(k): str(v) for k, v in pairs}


def _json_arrays(value: Mapping[str, Any]) -> dict[str, Floats]:
    return {
        k: _floats([str(x) for x in value[k]]) for k in ("x", "y") if isinstance(value.get(k), list)
    }
