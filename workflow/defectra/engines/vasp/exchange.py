"""Exchange and correlation of a VASP run by the two letters that VASP uses, however it names them.

Without the tag GGA (``--`` in vasprun.xml) the potentials decide: LEXCH of their POTCAR, which the
title repeats (``PAW_PBE``, ``PAW_GGA`` of Perdew and Wang, ``PAW`` of the LDA). pymatgen calls such
a run ``GGA``, whatever the potentials are. PBE: functional of Perdew, Burke and Ernzerhof; GGA:
generalised gradient approximation; LDA: local-density approximation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

UNSAID = ("", "--")
NO_META = ("NONE", "--", "")  # METAGGA of a run without one
_OF_TITLE = {"PAW_PBE": "PE", "PAW_GGA": "91", "PAW_PW91": "91", "PAW_LDA": "CA", "PAW": "CA"}
_NAMES = {  # as pymatgen has them, but for the last two, which it leaves as they are
    **{"PE": "PBE", "PS": "PBEsol", "RE": "revPBE", "RP": "revPBE+Padé", "AM": "AM05"},
    **{"OR": "optPBE", "BO": "optB88", "MK": "optB86b", "91": "PW91", "CA": "LDA"},
}
_LEXCH = re.compile(r"\bLEXCH\s*=\s*([A-Z]{2}|91)\b")  # of a potential; a number is VASP's own
# What pymatgen says where the tag is not set, not known to it, or no meta-GGA is set in words.
_OPEN = re.compile(r"(GGA|unknown|LDA|CA|91|NONE)(\+.*)?", re.S)


def tag(words: Mapping[str, Any]) -> str:
    """Letters of the tag GGA, upper case; empty where it is not set."""
    value = str(words.get("GGA") or "").strip().upper()
    return "" if value in UNSAID else value


def of_titles(titles: Iterable[str]) -> str:
    """Letters of the functional that potentials were made with; empty if they do not agree on one.

    Parameters
    ----------
    titles
        Such as ``PAW_PBE Ni_GW 31Mar2010``.
    """
    found = {_OF_TITLE.get((title.split() or [""])[0].upper(), "") for title in titles}
    return found.pop() if len(found) == 1 else ""


def of_text(text: str) -> str:
    """The same by LEXCH in a POTCAR, or in the OUTCAR that repeats it."""
    found = set(_LEXCH.findall(text))
    return found.pop() if len(found) == 1 else ""


def of_run(run: Any, outcar: str = "") -> str:
    """Letters of the functional of a run: its tag, else its potentials; empty if neither says.

    Parameters
    ----------
    run
        pymatgen's Vasprun, or what has its ``parameters``.
    outcar
        Text of the OUTCAR.
    """
    given = tag(run.parameters) or tag(getattr(run, "incar", None) or {})
    return given or of_titles(getattr(run, "potcar_symbols", None) or ()) or of_text(outcar)


def named(run_type: str, letters: str) -> str:
    """Name of a functional by pymatgen with what the run says, where pymatgen does not know."""
    found = _OPEN.fullmatch(run_type)
    if not found or letters not in _NAMES:
        return run_type
    return _NAMES[letters] + (found.group(2) or "")
