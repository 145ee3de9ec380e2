"""Absorption from columns that are named: one that is absorption, or two detectors.

A detector that is dead gives way to the next that measured, with a note; never without one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.column_names import Column, Role
from defectra.spectra.detector_faults import dead, detector_fault, noise_about_zero
from defectra.spectra.measured_spectrum import SpectrumError

Floats = NDArray[np.float64]
_MU = (  # what is taken first, and what it is then called
    (Role.MU, "mu"),
    (Role.MU_TRANSMISSION, "transmission"),
    (Role.MU_FLUORESCENCE, "fluorescence"),
    (Role.NORMALISED, "mu"),
    (Role.FLATTENED, "mu"),  # less a polynomial after the edge
)
_NAMED = tuple(role for role, _ in _MU)  # absorption by name
_ORDER = (*_NAMED, Role.PASSED, Role.SHONE, Role.YIELD)
_DIVIDED = (Role.NORMALISED, Role.FLATTENED)  # of the absorption that stands before them
COUNTED = 100.0  # an incident intensity above it is counted, no fraction of something
SAME_AXIS = 5e-6  # of the energy: two readings of one axis that differ by less are one
_NOT_SUBTRACTED = re.compile(r"dark|offset|(?:^|_)bkgd?(?:_|$)|background", re.I)


def how(data: Floats, found: Sequence[Column]) -> str:
    """The columns of a table, and how to choose among them."""
    listed = [
        f"{k + 1} {found[k].name + ' ' if k < len(found) else ''}"
        f"({data[0, k]:.6g} to {data[-1, k]:.6g})"
        for k in range(data.shape[1])
    ]
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    return (
        f"; columns: {', '.join(listed[:12])}{more}. Choose: --columns energy=1 mu='ln(I0/It)' "
        "(numbers or names; col2 is the second column in a formula)"
    )


def of_roles(found: Sequence[Column], *roles: Role) -> list[int]:
    """Places, from 0, of the columns that have one of some roles."""
    return [k for k, c in enumerate(found) if c.role in roles]


def only_one(data: Floats, found: Sequence[Column], role: Role) -> int | None:
    """Place, from 0, of the column of a role; None if there is none, the first of equal ones.

    Raises
    ------
    SpectrumError
        If there are several that differ.
    """
    there = of_roles(found, role)
    if len(there) > 1:
        first = data[:, there[0]]
        same = SAME_AXIS * np.abs(first) if role is Role.ENERGY else 0.0
        if any((np.abs(first - data[:, k]) > same).any() for k in there[1:]):
            listed = ", ".join(found[k].name for k in there)
            raise SpectrumError(f"several columns of {role}: {listed}" + how(data, found))
    return there[0] if there else None


def absorption(data: Floats, found: Sequence[Column]) -> tuple[Floats, str, list[str]]:
    """Absorption, its kind and notes; what is dead gives way to the next that is not.

    Raises
    ------
    SpectrumError
        If no names say it, every detector is dead, or one that is left did not measure all along.
    """
    silent = _dead(data, found)
    alive = [replace(c, role=Role.UNKNOWN) if k in silent else c for k, c in enumerate(found)]
    try:
        mu, kind, notes, role = _of_columns(data, alive) or _of_detectors(data, alive)
    except _NoAbsorptionError:
        if all(found[k].role in _NAMED for k in silent):
            mu, kind, notes, role = _of_columns(data, found) or _of_detectors(data, found)
            return mu, kind, notes
        raise SpectrumError(
            f"{'; '.join(silent.values())}: not connected or not recorded; what is left is no "
            "absorption" + how(data, found)
        ) from None
    except SpectrumError as error:
        raise SpectrumError("; ".join([*silent.values(), str(error)])) from None
    before = _ORDER[: _ORDER.index(role) + 1]
    passed_over = [said for k, said in silent.items() if found[k].role in before]
    if passed_over:
        notes = [f"{'; '.join(passed_over)}: dead, so {kind} is taken", *notes]
    return mu, kind, notes


def _dead(data: Floats, found: Sequence[Column]) -> dict[int, str]:
    """Columns of absorption and detectors without a signal, by place, and what is wrong."""
    lit = any((data[:, k] > 0).all() for k in of_roles(found, Role.MONITOR))
    out: dict[int, str] = {}
    for k in of_roles(found, *_ORDER, Role.MONITOR):
        name, values = found[k].name, data[:, k]
        said = dead(name, values, is_monitor=found[k].role is Role.MONITOR)
        if not said and found[k].role not in _NAMED:
            said = noise_about_zero(name, values)
            if lit and (values <= 0).all():
                said = f"column {name} is zero or less at every energy"
        out |= {k: said} if said else {}
    return out


class _NoAbsorptionError(SpectrumError):
    """No names say which columns are absorption."""


_Absorption: TypeAlias = tuple[Floats, str, list[str], Role]


def _of_columns(data: Floats, found: Sequence[Column]) -> _Absorption | None:
    """Absorption that a column is itself; None if none is."""
    columns = [(only_one(data, found, role), kind) for role, kind in _MU]
    there = [(k, kind) for k, kind in columns if k is not None]
    if not there:
        return None
    k, kind = there[0]
    divided = found[k].role in _DIVIDED
    others = [found[o].name for o, _ in there[1:] if divided or found[o].role not in _DIVIDED]
    others += [c.name for c in found if _is_variant(c, found[k])]
    notes = [f"{found[k].name} taken, {', '.join(others)} not"] if others else []
    return data[:, k], kind, notes, found[k].role


def _of_detectors(data: Floats, found: Sequence[Column]) -> _Absorption:
    """Absorption as the quotient of two detectors."""
    monitor = only_one(data, found, Role.MONITOR)
    passed, shone, emitted = (
        only_one(data, found, r) for r in (Role.PASSED, Role.SHONE, Role.YIELD)
    )
    if monitor is not None and passed is not None:
        over, notes = _ratio(data, found, monitor, passed, passed)
        text = f"ln({found[monitor].name}/{found[passed].name})"
        if shone is not None:
            text += f", {found[shone].name} not used"
        return np.log(over), "transmission", [text, *notes], Role.PASSED
    light = shone if shone is not None else emitted
    if monitor is not None and light is not None:
        mu, notes = _ratio(data, found, light, monitor, light)
        notes = [f"{found[light].name}/{found[monitor].name}", *notes]
        return mu, "fluorescence", notes, found[light].role
    raise _NoAbsorptionError(
        "no column is named absorption, and no two are named for the incident and the transmitted "
        "or the fluorescence intensity" + how(data, found)
    )


def _is_variant(one: Column, taken: Column) -> bool:
    """Whether a column is another version of the one taken, e.g. ``mu_corrected``; no deviation."""
    rest = one.key.removeprefix(taken.key)
    deviation = re.match(r"std|sd|err|sig|var|noise|ref|bkg|back", rest)
    other = len(rest) > 2 or rest.isdigit()
    return one.role is Role.UNKNOWN and rest != one.key and other and not deviation


def _ratio(
    data: Floats, found: Sequence[Column], top: int, under: int, signal: int
) -> tuple[Floats, list[str]]:
    """Quotient of two detectors; amplifiers that invert give both a negative sign.

    Parameters
    ----------
    signal
        The detector that the absorption changes; the other one is the incident intensity.
    """
    counts = data[:, [top, under]]
    negative = bool((counts < 0).all())
    if not negative and (counts <= 0).any():
        raise SpectrumError("a detector counted zero or less: no absorption can be had there")
    faults = [
        detector_fault(found[k].name, data[:, k], is_signal=k == signal) for k in (top, under)
    ]
    _refuse_fraction(data, found, top, under)
    notes = ["both detectors are negative throughout"] if negative else []
    dark = [c.name for k, c in enumerate(found) if _is_dark(c) and data[:, k].any()]
    notes += [f"{', '.join(dark)} not subtracted"] if dark else []
    return counts[:, 0] / counts[:, 1], [*notes, *filter(None, faults)]


def _is_dark(one: Column) -> bool:
    return one.role is Role.UNKNOWN and bool(_NOT_SUBTRACTED.search(one.name))


def _refuse_fraction(data: Floats, found: Sequence[Column], top: int, under: int) -> None:
    """Refuse a transmission between 0 and 1 beside counts: it was divided before."""
    if found[under].role is not Role.PASSED:
        return
    fraction, counts = data[:, under], data[:, top]
    if fraction.max() <= 1.0 and counts.min() > COUNTED and fraction.min() > 0:
        raise SpectrumError(
            f"column {found[under].name} lies between 0 and 1, {found[top].name} above "
            f"{COUNTED:g}: a fraction of the light, or light in another unit? Choose: --columns "
            f"mu='-ln({found[under].name})' or mu='ln({found[top].name}/{found[under].name})', "
            "and energy=1"
        )
