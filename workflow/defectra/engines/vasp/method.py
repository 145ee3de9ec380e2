"""What two VASP runs must have in common for their energies to be subtracted.

HSE06: hybrid functional of Heyd, Scuseria and Ernzerhof; PBE: functional of Perdew, Burke and
Ernzerhof; GGA: generalised gradient approximation; LDA: local-density approximation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from typing import Any

from defectra.engines.vasp import exchange

# What moves a total energy by more than a level is known to (LREAL: meV for each atom).
_NUMERICAL = ("PREC", "LREAL", "LASPH", "ADDGRID", "PRECFOCK")
# The same, with the default of VASP: older versions print them only where the user set them.
_WITH_DEFAULT = {
    **{"IVDW": 0, "LUSE_VDW": False, "LSOL": False, "LTHOMAS": False, "LMODELHF": False},
    **{"NKRED": 1, "NKREDX": 1, "NKREDY": 1, "NKREDZ": 1, "LDAUTYPE": 2},
}
_SAME = {"IVDW": {"1": "10", "2": "20"}}  # two numbers of one method
_GRADIENT = ("AGGAX", "AGGAC", "ALDAC")  # shares of the parts of a functional; 1 by default
_CUT_NAMES = {"X": "Xe", "r": "Zr"}  # of the table of atom types
WIDEST_SMEARING_EV = 0.1  # a half-filled level is moved by more than some 10 meV beyond
_FRACTION, _SCREENING = 0.25, (0.2, 0.21)  # of HSE06


def functional(run: Any, outcar: str = "") -> str:
    """Functional as pymatgen names it, with what it leaves out.

    A run without the tag GGA has the functional of its potentials, which pymatgen does not look at:
    it calls one PBE and the other GGA, or CA and LDA.

    Fraction of exact exchange, screening and gradient of a hybrid where they are not those of
    HSE06 (the fraction is what people fit to a gap), and spin-orbit coupling.

    Parameters
    ----------
    outcar
        Text of its OUTCAR, for potentials whose titles do not say their functional.
    """
    words = run.parameters
    letters = exchange.of_run(run, outcar)
    name = str((run if words.get("LHFCALC") else _without_exchange(run, letters)).run_type)
    if words.get("LHFCALC"):
        fraction, screening = (float(words.get(k) or 0.0) for k in ("AEXX", "HFSCREEN"))
        if abs(fraction - _FRACTION) > 1e-4:
            name += f", {fraction:.4g} of exact exchange"
        if not _SCREENING[0] - 1e-4 <= screening <= _SCREENING[1] + 1e-4:
            name += f", screening {screening:.4g}/Å"
        if letters not in ("PE", ""):
            name += f", GGA = {letters}"
    else:
        name = exchange.named(name, letters)
        for key in _GRADIENT:
            share = words.get(key)
            if share is not None and abs(float(share) - 1) > 1e-4:
                name += f", {key} {float(share):.4g}"
    return f"{name} with spin-orbit coupling" if words.get("LSORBIT") else name


def _without_exchange(run: Any, letters: str) -> Any:
    """The run with settings of a hybrid off, which count only where LHFCALC is on.

    pymatgen takes HFSCREEN = 0.2 alone for HSE06, and what VASP 4 does not print for exact exchange
    and a Hubbard U. `letters` are those of its functional, where it says so.
    """
    plain = copy(run)
    off = {"AEXX": 0.0, "HFSCREEN": 0.0, "LHFCALC": False}
    known = {"GGA": letters} if letters else {}
    plain.parameters = {"LDAU": False, **run.parameters, **off, **known}
    return plain


def atom_types(text: str) -> list[list[str]]:
    """Rows of the table of atom types of a vasprun.xml: atoms, element, mass, valence, potential.

    One element may have several rows. Elements are as pymatgen has them: VASP writes ``X`` for Xe,
    some versions ``r`` for Zr.
    """
    table = re.search(r'<array name="atomtypes"\s*>(.*?)</array>', text, re.S)
    rows = re.findall(r"<rc>(.*?)</rc>", table.group(1), re.S) if table else []
    cells = [[c.strip() for c in re.findall(r"<c>(.*?)</c>", row)] for row in rows]
    for words in cells:
        name = words[1].split("_")[0] if len(words) > 1 else ""
        words[1:2] = [_CUT_NAMES.get(name, name)]
    return cells


def of_elements(run: Any, text: str) -> dict[str, str]:
    """Potential (POTCAR) and Hubbard U - J of each element of a run.

    Parameters
    ----------
    text
        Of its vasprun.xml, whose table of atom types names the potentials.
    """
    cells = atom_types(text)
    hubbard = _hubbard(run.parameters, len(cells))
    out: dict[str, set[str]] = {}
    for words, u in zip(cells, hubbard):
        title = " ".join(words[4].split()) if len(words) > 4 else "potential not named"
        out.setdefault(words[1], set()).add(f"{title}{u}")
    return {element: " and ".join(sorted(each)) for element, each in out.items()}


def _hubbard(words: Mapping[str, Any], count: int) -> list[str]:
    """U - J of each atom type in words; empty for none."""
    if not words.get("LDAU"):
        return [""] * count
    u, j = (_list(words.get(k), count) for k in ("LDAUU", "LDAUJ"))
    shells = _list(words.get("LDAUL"), count)
    return [
        f", U - J = {a - b:g} eV" if a != b and shell >= 0 else ""
        for a, b, shell in zip(u, j, shells)
    ]


def _list(value: Any, count: int) -> list[float]:
    values = [float(v) for v in (value if isinstance(value, list | tuple) else [value or 0])]
    return [*values, *[0.0] * (count - len(values))][:count]


def numerical(run: Any) -> dict[str, str]:
    """Settings other than cutoff and k-points that energies depend on, of which the run tells.

    Of PREC its first letter counts, as in VASP.
    """
    given = {**run.incar, **run.parameters}
    stated = {k: given[k] for k in _NUMERICAL if given.get(k) is not None}
    stated |= {k: given.get(k, default) for k, default in _WITH_DEFAULT.items()}
    short = ("PREC", "PRECFOCK")
    plain = {k: str(v)[:1].upper() if k in short else str(v) for k, v in stated.items()}
    return {k: _SAME.get(k, {}).get(v, v) for k, v in plain.items()}


def remarks(run: Any, electrons: float) -> list[str]:
    """What is legitimate in the cell of a defect, but decides which state its energy is of."""
    words = {**run.incar, **run.parameters}
    spins, fixed = int(words.get("ISPIN") or 1), float(words.get("NUPDOWN", -1))
    said = []
    if spins == 2 and fixed >= 0:
        said.append(f"NUPDOWN = {fixed:g}: {fixed:g} more electrons of one spin, by input")
    if spins == 1 and not words.get("LNONCOLLINEAR") and round(electrons) % 2:
        said.append("ISPIN = 1 with an odd number of electrons: none is unpaired")
    kind, width = int(words.get("ISMEAR", 1)), float(words.get("SIGMA", 0.2))
    if "ISMEAR" in words and kind > 0:
        said.append(f"ISMEAR = {kind}: fillings beyond 0 to 1, meant for metals")
    if "SIGMA" in words and kind >= -1 and width > WIDEST_SMEARING_EV:
        said.append(f"SIGMA = {width:g} eV: half-filled levels are moved by the smearing")
    return said


def difference(one: Mapping[str, str], bulk: Mapping[str, str]) -> str:
    """How what two runs share (elements, settings) was chosen differently; empty if alike."""
    return "; ".join(
        f"{element}: {one[element]}, that of the bulk {bulk[element]}"
        for element in sorted(set(one) & set(bulk))
        if one[element] != bulk[element]
    )
