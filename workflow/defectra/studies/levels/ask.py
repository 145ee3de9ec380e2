"""Ask the saved model about one impurity in a host, one's own or a learnt one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from defectra.core.errors import TableError
from defectra.defects.equations import gap_position
from defectra.structures.elements import element, sublattices
from defectra.studies.levels.hosts import describe
from defectra.studies.levels.published import CHARGES, SITES, VACANCY, level_name
from defectra.studies.levels.saved import LevelModel

LATTICE_A = (3.0, 8.0)  # zinc blende and diamond lie between 3.6 and 6.6 Å
GAP_EV = (0.0, 10.0)
_LEARNT_HOST = "as wide as the errors of defects left out of learnt hosts"
_NEW_HOST = "as wide as the errors of hosts left out, by the distance from the learnt hosts"
_ON_CATION, _ON_ANION = SITES[0], SITES[1]


@dataclass(frozen=True)
class Question:
    """A host with what is known of it, and a defect in it.

    Attributes
    ----------
    lattice, gap
        Cubic lattice constant in Å, gap in eV; None: those of a learnt host.
    ions
        Cation and anion; empty: read from the formula, cation first.
    """

    host: str
    impurity: str
    site: str
    lattice: float | None = None
    gap: float | None = None
    ions: tuple[str, ...] = ()

    @property
    def formula(self) -> str:
        """Cation first; one symbol for an element."""
        return "".join(dict.fromkeys(self.ions)) if self.ions else self.host


@dataclass(frozen=True)
class Reply:
    """Levels of a defect.

    Attributes
    ----------
    value, half
        eV above the valence-band maximum, and half width, shape (6,).
    width
        What the half width was learnt from; empty if there is none.
    doubts
        Why the intervals do not hold; empty inside the domain.
    notes
        What is to be known, and does not touch the intervals.
    """

    question: Question
    properties: dict[str, float]
    value: np.ndarray
    half: np.ndarray
    distance: float
    width: str
    doubts: list[str]
    notes: list[str]

    def sentences(self, level: float) -> Iterator[str]:
        """Lines for people."""
        asked, own = self.question, self.properties
        yield (
            f"{asked.impurity} on {asked.site} in {asked.formula} (zinc blende or diamond, "
            f"{own['lattice']:.3f} Å, gap {own['gap']:.2f} eV): PBE levels, eV above the "
            "valence-band maximum"
        )
        for charge, value, half in zip(CHARGES, self.value, self.half):
            error = f" ± {half:.2f} ({100 * level:.0f} %)" if self.width else ""
            place = gap_position(float(value), own["gap"])
            yield f"  {level_name(charge):8}  {value:6.2f}{error}  {place}"
        if self.width:
            yield f"  intervals: {self.width}"
        for note in self.notes:
            yield f"  note: {note}"
        for doubt in self.doubts:
            yield f"  warning, no interval: {doubt}"


def ask(model: LevelModel, question: Question) -> Reply:
    """Levels of a defect, with what speaks against them.

    Raises
    ------
    TableError
        If host, site or impurity make no sense, or gap or lattice constant are missing.
    """
    properties = _properties(model, question)
    _check_defect(question)
    host = question.formula
    found = model.predict([(host, question.site, question.impurity)], {host: properties})
    distance = float(found.distance[0])
    doubts = list(_doubts(model, question, properties, distance))
    known = bool(found.known[0])
    notes = list(_notes(model, question, known))
    width = "" if doubts or known else _NEW_HOST
    if width and found.learnt_host[0]:
        width = _LEARNT_HOST
    value, half = found.value[0], found.half[0]
    return Reply(question, properties, value, half, distance, width, doubts, notes)


def _properties(model: LevelModel, question: Question) -> dict[str, float]:
    """Gap and lattice constant: those given, else those of a learnt host."""
    cation, anion = sublattices(question.formula)
    if element(cation)["electronegativity"] > element(anion)["electronegativity"] + 0.2:
        raise TableError(
            f"{question.formula}: {anion} is less electronegative than {cation}; the cation "
            f"comes first: {anion}{cation}, or --ions {anion} {cation}"
        )
    known = model.hosts.get(question.formula, {})
    out = {}
    for name, given, (least, most), unit in (
        ("lattice", question.lattice, LATTICE_A, "Å"),
        ("gap", question.gap, GAP_EV, "eV"),
    ):
        value = known.get(name) if given is None else given
        if value is None:
            what = "lattice constant" if name == "lattice" else name
            learnt = ", ".join(sorted(model.hosts))
            raise TableError(
                f"{question.formula}: not among the learnt hosts ({learnt}); give its {what} "
                f"with --{name} in {unit}"
            )
        if not (math.isfinite(value) and least <= value <= most):
            raise TableError(f"--{name} {value:g}: expected {least:g} to {most:g} {unit}")
        out[name] = float(value)
    return out


def _check_defect(question: Question) -> None:
    if question.site not in SITES:
        raise TableError(f"--site {question.site!r}: one of {', '.join(SITES)}")
    if question.impurity == VACANCY:
        if question.site not in (_ON_CATION, _ON_ANION):
            raise TableError(f"a vacancy is on {_ON_CATION} or {_ON_ANION}, not {question.site}")
        return
    element(question.impurity)
    own = dict(zip((_ON_CATION, _ON_ANION), sublattices(question.formula)))
    if own.get(question.site) == question.impurity:
        raise TableError(
            f"{question.impurity} on {question.site} of {question.formula} is the host itself"
        )


def _doubts(
    model: LevelModel, question: Question, properties: dict[str, float], distance: float
) -> Iterator[str]:
    if distance > model.domain:
        yield (
            f"the host lies {distance:.2f} standard deviations from the nearest learnt one (gap, "
            f"lattice constant, ions); the domain ends at {model.domain:.2f}"
        )
    families = {element(s)["valence"] for h in model.hosts for s in sublattices(h)}
    for symbol in dict.fromkeys(sublattices(question.formula)):
        if element(symbol)["valence"] not in families:
            yield f"{symbol} is of no group that the learnt hosts are made of"
    charges = sum(element(s)["valence"] for s in sublattices(question.formula))
    if charges != 8:
        yield f"{question.formula} has {charges:g} valence electrons a pair, learnt hosts have 8"
    known = {key[2] for key in model.keys}
    blocks = {element(k)["block"] for k in known if k != VACANCY}
    own = question.impurity
    if own != VACANCY and element(own)["block"] not in blocks:
        yield f"no element like {own} (its block of the periodic table) was learnt"
    edges = describe(question.formula, properties)
    if edges["cbm"] <= edges["vbm"]:
        yield "its band edges, from ions and bond length, are upside down"


def _notes(model: LevelModel, question: Question, known: bool) -> Iterator[str]:
    if question.impurity not in {key[2] for key in model.keys}:
        yield f"{question.impurity} was learnt in no host; the interval counts on its neighbours"
    key = (question.formula, question.site, question.impurity)
    if known:
        shown = ", ".join(f"{v:.2f}" for v in model.labels[model.keys.index(key)])
        yield (
            f"this defect was learnt: a fit to its published levels ({shown}), no prediction, so "
            "that there is no interval"
        )
    elif key in model.keys:
        yield "this defect was learnt with another gap or lattice constant of the host"
