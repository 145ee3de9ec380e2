"""Point defects and complexes: every inequivalent one once, with its multiplicity.

A defect is a change of one site: what it removes and what it inserts. A vacancy inserts nothing
(``X``), an interstitial removes nothing (its sublattice is empty). Sites are compared under the
operations that keep the decorated *ideal* host, so that relaxation never splits or merges them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from defectra.core.errors import StructureError
from defectra.structures.crystal import CLOSEST, VACANCY, check_element
from defectra.structures.identity import Decorated, stabiliser
from defectra.structures.sampling import smallest

VANADIUM = "Vanadium"  # what is inserted, since V is a vacancy: ``Vanadium_Li``


class NoSiteError(StructureError):
    """A host has no free site for a defect; another ordering of it may have one."""


@dataclass(frozen=True)
class Change:
    """One changed site.

    Attributes
    ----------
    removes, inserts
        Species before and after; ``X`` for nothing.
    sublattice
        Only here; None for wherever `removes` sits.
    """

    removes: str
    inserts: str
    sublattice: str | None = None

    @property
    def name(self) -> str:
        """``V_O``, ``Ni_Li``, ``Cu_i_oct``: what is inserted, and on what site."""
        site = self.sublattice if self.removes == VACANCY else self.removes
        inserted = {VACANCY: "V", "V": VANADIUM}.get(self.inserts, self.inserts)
        return f"{inserted}_{site}"


def vacancies(host: Decorated) -> list[Change]:
    """One vacancy of each species of the host."""
    return [Change(s, VACANCY) for s in _present(host)]


def antisites(host: Decorated) -> list[Change]:
    """Each species of the host on the sites of each other one."""
    present = _present(host)
    return [Change(a, b) for a in present for b in present if a != b]


def interstitials(host: Decorated, species: str) -> list[Change]:
    """A species on each sublattice that is empty in the host."""
    cell = host.supercell
    empty = dict.fromkeys(n for n, s in zip(cell.sublattices, cell.species) if s == VACANCY)
    if not empty:
        raise StructureError(
            f"{cell.crystal.host}: no interstitial sites; add some with "
            "interstitials.voronoi or crystal.with_sublattice"
        )
    return [Change(VACANCY, species, name) for name in empty]


def _present(host: Decorated) -> list[str]:
    return sorted({s for s in host.species if s != VACANCY})


def parse(name: str, host: Decorated) -> list[Change]:
    """Changes of a name such as ``V_O``, ``Ni_Li + Li_Ni`` or ``Cu_i_oct``.

    ``V`` is a vacancy; vanadium is written as ``Vanadium_Li``.

    Raises
    ------
    StructureError
        If the host has no such species or empty sublattice, or nothing would change.
    """
    changes = []
    empty = {n for n, s in zip(host.supercell.sublattices, host.supercell.species) if s == VACANCY}
    for part in re.split(r"\s*\+\s*", name.strip()):
        inserted, _, site = part.partition("_")
        if not (inserted and site):
            raise StructureError(
                f"defect {name!r}: {part!r} is no name; write what is inserted on which site: V_O"
            )
        inserts = {"V": VACANCY, VANADIUM: "V"}.get(inserted, inserted)
        check_element(inserts, f"defect {part!r}")
        if inserts == site:
            raise StructureError(f"defect {part!r}: {site} on a site of {site} changes nothing")
        if site in empty and inserts != VACANCY:
            changes.append(Change(VACANCY, inserts, site))
        elif site in _present(host):
            changes.append(Change(site, inserts))
        else:
            known = ", ".join([*_present(host), *sorted(empty)])
            raise StructureError(
                f"defect {part!r}: no site {site!r} in the host; there are {known}"
            )
    return changes


def point_defects(host: Decorated, changes: Sequence[Change]) -> list[Decorated]:
    """Every inequivalent site of each change."""
    return [found for change in changes for found in complexes(host, [change], np.inf)]


def complexes(
    host: Decorated, changes: Sequence[Change], cutoff: float, *, strict: bool = True
) -> list[Decorated]:
    """Every inequivalent way to make all `changes` together, any two within `cutoff` Å.

    Parameters
    ----------
    strict
        Refuse a supercell whose images are not farther apart than the cutoff.

    Returns
    -------
    Decorated hosts; the multiplicity counts the equivalent placements in the host cell.

    Raises
    ------
    StructureError
        If a species is not there, or the supercell is too small for the cutoff.
    """
    if strict:
        check_size(host, changes, cutoff)
    group = stabiliser(host)
    codes = {s: k for k, s in enumerate(sorted({*host.species, *(c.inserts for c in changes)}))}
    start = np.array([codes[s] for s in host.species], dtype=np.uint8)
    partial: list[tuple[tuple[int, ...], int]] = [((), 1)]
    word: dict[tuple[int, ...], np.ndarray] = {(): start}
    for change in changes:
        grown = []
        for sites, _ in partial:
            grown += [(*sites, i) for i in _candidates(host, change, sites, cutoff)]
        if not grown:
            raise NoSiteError(_none_found(host, change, changes, cutoff))
        words = np.array([_set(word[s[:-1]], s[-1], codes[change.inserts]) for s in grown])
        unique, weights = _distinct(smallest(group, words))
        partial = [(grown[k], weights[k]) for k in unique]
        word = {grown[k]: words[k] for k in unique}
    return [_apply(host, changes, sites, n) for sites, n in partial]


def _distinct(found: tuple[np.ndarray, np.ndarray]) -> tuple[list[int], list[int]]:
    images, weights = found
    first: dict[bytes, int] = {}
    for k, image in enumerate(images):
        first.setdefault(image.tobytes(), k)
    return list(first.values()), [int(w) for w in weights]


def _set(word: np.ndarray, site: int, code: int) -> np.ndarray:
    out = word.copy()
    out[site] = code
    return out


def _candidates(
    host: Decorated, change: Change, sites: tuple[int, ...], cutoff: float
) -> list[int]:
    names = host.supercell.sublattices
    free = [
        i
        for i, s in enumerate(host.species)
        if s == change.removes
        and i not in sites
        and (change.sublattice is None or names[i] == change.sublattice)
    ]
    for other in sites:
        if not free:
            break
        distance = host.supercell.distances(other, free)
        free = [i for i, d in zip(free, distance) if CLOSEST <= d <= cutoff + 1e-6]
    return free


def _apply(
    host: Decorated, changes: Sequence[Change], sites: tuple[int, ...], multiplicity: int
) -> Decorated:
    species = list(host.species)
    for site, change in zip(sites, changes):
        species[site] = change.inserts
    if set(species) <= {VACANCY}:
        name = " + ".join(c.name for c in changes)
        raise StructureError(f"defect {name}: no atom is left; take a larger supercell")
    return replace(
        host,
        species=tuple(species),
        defects=tuple(c.name for c in changes),
        touched=sites,
        multiplicity=multiplicity,
        parent=host,
    )


def check_size(host: Decorated, changes: Sequence[Change], cutoff: float) -> None:
    """Refuse a complex whose members reach as far as the images of the supercell.

    Raises
    ------
    StructureError
        Naming both distances.
    """
    if len(changes) < 2:
        return
    image = host.supercell.shortest_image
    if image <= cutoff:
        raise StructureError(
            f"complex {' + '.join(c.name for c in changes)} up to {cutoff} Å: the supercell is too "
            f"small, its images are {image:.2f} Å apart; take a larger one (by_distance) or a "
            f"cutoff below {image:.2f} Å"
        )


def _none_found(host: Decorated, change: Change, changes: Sequence[Change], cutoff: float) -> str:
    names = zip(host.supercell.sublattices, host.species)
    sites = sum(s == change.removes and change.sublattice in (None, n) for n, s in names)
    where = f" within {cutoff} Å" if len(changes) > 1 else ""
    return (
        f"defect {change.name}: no free site{where} among the {sites} sites of "
        f"{change.sublattice or change.removes} in the host"
    )
