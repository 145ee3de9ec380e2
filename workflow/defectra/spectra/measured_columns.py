"""Absorption from named columns, or from the columns that a user names; nothing is guessed.

A column is absorption only if its name says so, or if the names of a numerator and a denominator
do: ``ln(I0/It)``, ``If/I0``. Everything else is refused, with the columns and the way to choose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from defectra.core.units import EV_ANGSTROM
from defectra.spectra import column_formula as formula
from defectra.spectra.column_names import ENERGIES, Column, Role, column, key_of
from defectra.spectra.detector_faults import detector_fault, standstill
from defectra.spectra.measured_spectrum import COLUMNS, Measured, SpectrumError
from defectra.spectra.named_absorption import SAME_AXIS, absorption, how, of_roles, only_one

Floats = NDArray[np.float64]
UNNAMED = "the columns have no names: the second is taken as absorption"
ONE_AXIS = 0.02  # of the energy: two columns that differ by less are energies of one axis
_CALIBRATED = re.compile(r"(?<!un)(?<!not)(?:re)?(?:cal(?!c)|corr|shift|align|adj|true)")
_ANGLES = (("mrad", 1e-3), ("rad", 1.0))  # of a radian; degrees where nothing is said


@dataclass(frozen=True)
class Choice:
    """Columns that a user chose.

    Attributes
    ----------
    energy
        Number (from 1), name or formula.
    mu
        The same; ``col3`` is the third column in a formula.
    unit
        ``eV`` or ``keV``; empty: as the file says.
    """

    energy: str
    mu: str
    unit: str = ""


def choice(words: Sequence[str]) -> Choice:
    """Choice of ``energy=1 mu=ln(I0/It)``.

    Raises
    ------
    SpectrumError
        If a word is no such pair, or one of both is missing.
    """
    given = {w.partition("=")[0]: w.partition("=")[2] for w in words}
    if len(given) < len(words):
        raise SpectrumError(f"--columns {' '.join(words)}: each of energy, mu, unit only once")
    unknown = [w for w in given if w not in ("energy", "mu", "unit")]
    if unknown or not given.get("energy") or not given.get("mu"):
        raise SpectrumError("--columns takes energy=... and mu=..., e.g. energy=1 mu='ln(I0/It)'")
    if given.get("unit", "eV").lower() not in ("ev", "kev"):
        raise SpectrumError(f"unit={given['unit']}: eV or keV")
    return Choice(given["energy"], given["mu"], given.get("unit", ""))


def measured(
    data: Floats, names: Sequence[str] | None, chosen: Choice | None, words: dict[str, str]
) -> Measured:
    """Energy and absorption of a table, shape (rows, columns).

    Parameters
    ----------
    names
        Of the columns; None if the file names none.
    words
        Header: ``energy unit`` and what is kept with the spectrum.

    Raises
    ------
    SpectrumError
        If the names do not say which column is which.
    """
    found = [column(n) for n in names] if names else []
    if chosen:
        return _chosen(data, found, chosen, words)
    if not found:
        if data.shape[1] == 2 and _is_axis(data[:, 0]):
            words = words | {COLUMNS: "column 1 as energy, column 2 as absorption"}
            return Measured(data[:, 0], data[:, 1], meta=words, notes=(UNNAMED,))
        raise SpectrumError(f"the {data.shape[1]} columns have no names" + how(data, found))
    energy, unit = _energy(data, found, words)
    words = words | ({"energy unit": unit} if unit else {})
    mu, kind, notes = absorption(data, found)
    read = (_which(data, found, energy, "an angle"), _which(data, found, mu, "two detectors"))
    words = words | {COLUMNS: f"{read[0]} as energy, {read[1]} as absorption"}
    return Measured(energy, mu, kind, meta=words, notes=tuple(notes))


def _is_axis(values: Floats) -> bool:
    """Whether values may be energies of a scan: they run one way, but for jitter and returns."""
    steps = np.diff(values[np.isfinite(values)])
    up, down = int((steps > 0).sum()), int((steps < 0).sum())
    return bool(max(up, down) > 0.9 * (up + down)) and bool(np.ptp(values) > 0.0)


def _energy(data: Floats, found: Sequence[Column], words: dict[str, str]) -> tuple[Floats, str]:
    named = [c if c.role is not Role.QUALIFIED or _is_axis(data[:, k])
             else replace(c, role=Role.OTHER_ENERGY) for k, c in enumerate(found)]  # fmt: skip
    for role in ENERGIES:
        k = only_one(data, named, role)
        if k is not None:
            _refuse_another_axis(data, found, k)
            return data[:, k], found[k].unit
    k = only_one(data, found, Role.ANGLE)
    if k is None:
        raise SpectrumError("no column is named energy" + how(data, found))
    spacing = re.match(r"[\d.]+", words.get("mono.d_spacing", ""))
    if not spacing or not 0.2 < float(spacing.group()) < 20:
        raise SpectrumError(
            f"column {found[k].name} is an angle: without the spacing d of the monochromator "
            "(Mono.d_spacing) it gives no energy; write energies, E = 12398.42 eV Å / (2 d sin θ)"
            + how(data, found)
        )
    factor = next((f for u, f in _ANGLES if found[k].unit.startswith(u)), np.pi / 180)
    if found[k].key in ("twotheta", "2theta", "tth"):
        factor /= 2
    with np.errstate(all="ignore"):
        return EV_ANGSTROM / (2 * float(spacing.group()) * np.sin(data[:, k] * factor)), "ev"


def _refuse_another_axis(data: Floats, found: Sequence[Column], taken: int) -> None:
    """Refuse a second column of the same energies, calibrated, corrected or shifted."""
    energy = data[:, taken]
    for k in of_roles(found, Role.OTHER_ENERGY):
        apart = np.abs(data[:, k] - energy)
        differs = (apart > SAME_AXIS * np.abs(energy)).any()
        if (
            differs
            and (apart < ONE_AXIS * np.abs(energy)).all()
            and _CALIBRATED.search(key_of(found[k].name))
        ):
            raise SpectrumError(
                f"{found[taken].name} and {found[k].name} are two axes that differ by up to "
                f"{apart.max():.4g}: which one is right?" + how(data, found)
            )


def _chosen(
    data: Floats, found: Sequence[Column], chosen: Choice, words: dict[str, str]
) -> Measured:
    energy, where = _values(data, found, chosen.energy)
    mu, _ = _values(data, found, chosen.mu)
    _refuse_two_roles(data, found, chosen, (energy, mu))
    remarks = _faults_in_formula(data, found, chosen.mu)
    unit = chosen.unit.lower() or (found[where].unit if where is not None and found else "")
    if np.isfinite(energy).all() and not np.isfinite(mu).any():
        raise SpectrumError(f"mu={chosen.mu} has no value anywhere: counts of zero or less?")
    notes = (f"chosen: energy={chosen.energy} mu={chosen.mu}", *remarks)
    read = {COLUMNS: f"{_called(chosen.energy)} as energy, {_called(chosen.mu)} as absorption"}
    words = words | read
    return Measured(energy, mu, meta=words | ({"energy unit": unit} if unit else {}), notes=notes)


def _refuse_two_roles(
    data: Floats, found: Sequence[Column], chosen: Choice, values: tuple[Floats, Floats]
) -> None:
    """Refuse one column as energy and as absorption, alone or in formulas, and two of one axis."""
    energy, mu = values
    both = np.isfinite(energy) & np.isfinite(mu)
    made_of = _columns_of(data, found, chosen.mu)
    axis = both.any() and (np.abs(mu - energy)[both] < ONE_AXIS * np.abs(energy)[both]).all()
    if axis or made_of <= _columns_of(data, found, chosen.energy):
        raise SpectrumError(
            f"energy={chosen.energy} mu={chosen.mu}: the energies would be the absorption, too"
            + how(data, found)
        )


def _columns_of(data: Floats, found: Sequence[Column], text: str) -> set[int]:
    """Numbers of the columns, from 0, that a number, name or formula is made of."""
    _, single = _values(data, found, text)
    if single is not None:
        return {single}
    return {_column_number(data, found, name) for name in formula.names(formula.parse(text))}


def _which(data: Floats, found: Sequence[Column], values: Floats, made_of: str) -> str:
    """Number and name of the column that gave values, else what they are made of."""
    same = (k for k in range(data.shape[1]) if np.array_equal(data[:, k], values, equal_nan=True))
    k = next(same, None)
    return made_of if k is None else f"column {k + 1} ({found[k].name.strip()})"


def _called(text: str) -> str:
    return f"column {text}" if text.strip().isdecimal() else text.strip()


def _faults_in_formula(data: Floats, found: Sequence[Column], text: str) -> list[str]:
    """Remarks on detectors of a formula that stand still; what they divide may be constant."""
    if re.fullmatch(r"\d{1,4}", text.strip()) or any(text.strip() == c.name for c in found):
        return []
    names = list(dict.fromkeys(formula.names(formula.parse(text))))
    if len(names) < 2:
        return []
    columns = [(name, data[:, _column_number(data, found, name)]) for name in names]
    remarks = (
        standstill(name, own) or detector_fault(name, own, is_signal=False) for name, own in columns
    )
    return [r for r in remarks if r]


def _values(data: Floats, found: Sequence[Column], text: str) -> tuple[Floats, int | None]:
    """Values of a number, name or formula, and the column if it is one alone."""
    text = text.strip()
    if re.fullmatch(r"\d{1,4}", text):
        k = int(text) - 1
        if not 0 <= k < data.shape[1]:
            raise SpectrumError(f"there is no column {text}" + how(data, found))
        return data[:, k], k
    exact = [k for k, c in enumerate(found) if text in (c.name, c.name.strip())]
    if len(exact) == 1:
        return data[:, exact[0]], exact[0]
    tree = formula.parse(text)
    single = _column_number(data, found, tree.text) if isinstance(tree, formula.Name) else None
    values = formula.value(tree, lambda name: data[:, _column_number(data, found, name)])
    if values.shape != data.shape[:1]:
        raise SpectrumError(f"{text!r} names no column" + how(data, found))
    return values, single


def _column_number(data: Floats, found: Sequence[Column], name: str) -> int:
    numbered = re.fullmatch(r"col(\d{1,4})", name, re.IGNORECASE)
    if numbered and 1 <= int(numbered.group(1)) <= data.shape[1]:
        return int(numbered.group(1)) - 1
    for same in (
        lambda c: c.name == name,
        lambda c: c.name.lower() == name.lower(),
        lambda c: c.key == key_of(name),
    ):
        there = [k for k, c in enumerate(found) if same(c)]
        if len(there) == 1:
            return there[0]
        if there:
            raise SpectrumError(f"several columns are named {name}" + how(data, found))
    raise SpectrumError(f"no column is named {name}" + how(data, found))
