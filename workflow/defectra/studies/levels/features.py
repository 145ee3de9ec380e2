"""Descriptors of a defect in a host: what is known before any defect calculation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.structures.elements import NAMES, element, sublattices
from defectra.studies.levels.hosts import DESCRIPTORS, describe
from defectra.studies.levels.published import CHARGES, SITES, VACANCY

Floats = NDArray[np.float64]
Hosts = Mapping[str, dict[str, float]]

_OF_HOST_ATOMS = ("electronegativity", "radius", "row", "valence", "s_level", "p_level")


@dataclass(frozen=True)
class Defects:
    """Descriptors of n defects, in blocks, scaled; the charge is not among them.

    Attributes
    ----------
    host, impurity, contrast
        Shape (n, p) each, in standard deviations over hosts, elements and defects.
    atoms
        Elements of the host itself, shape (n, 12).
    site
        Index in :data:`SITES`, shape (n,).
    vacancy
        True where nothing is put in, shape (n,).
    gap
        Of the host, eV, shape (n,).
    """

    host: Floats
    impurity: Floats
    contrast: Floats
    atoms: Floats
    site: NDArray[np.int64]
    vacancy: NDArray[np.bool_]
    gap: Floats

    def __len__(self) -> int:
        return len(self.site)

    def take(self, index: NDArray[Any]) -> Defects:
        """Some of the defects."""
        return Defects(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Scales:
    """Mean and width of the columns of each block of descriptors, shape (2, p) each."""

    host: Floats
    impurity: Floats
    contrast: Floats
    atoms: Floats


def scales(keys: Sequence[tuple[str, str, str]], hosts: Hosts) -> Scales:
    """Scales from all hosts of the resource and all elements asked for, never from a level.

    So they may be shared by training and test rows.
    """
    table = np.array([_host(h, p) for h, p in hosts.items()])
    of_host = {h: describe(h, hosts[h]) for h in {k[0] for k in keys}}
    return Scales(
        np.stack([table.mean(axis=0), table.std(axis=0)]),
        _scale(np.array([_impurity(k[2]) for k in keys])),
        _scale(np.array([_contrast(*k, of_host[k[0]]) for k in keys])),
        _scale(np.array([_atoms(k[0]) for k in keys])),
    )


def defects(
    keys: Sequence[tuple[str, str, str]], hosts: Hosts, known: Scales | None = None
) -> Defects:
    """Descriptors of defects, each (host, site, impurity), scaled as `known` says.

    Raises
    ------
    TableError
        If a host is not in the resource, or a site or element is unknown.
    """
    for name in sorted({k[0] for k in keys} - set(hosts)):
        raise TableError(f"host {name}: not in the table of host properties; add its lines")
    by = known or scales(keys, hosts)
    of_host = {h: describe(h, hosts[h]) for h in {k[0] for k in keys}}
    return Defects(
        _scaled(np.array([_host(k[0], hosts[k[0]]) for k in keys]), by.host),
        _scaled(np.array([_impurity(k[2]) for k in keys]), by.impurity),
        _scaled(np.array([_contrast(*k, of_host[k[0]]) for k in keys]), by.contrast),
        _scaled(np.array([_atoms(k[0]) for k in keys]), by.atoms),
        np.array([SITES.index(k[1]) for k in keys]),
        np.array([k[2] == VACANCY for k in keys]),
        np.array([hosts[k[0]]["gap"] for k in keys]),
    )


def _host(host: str, properties: dict[str, float]) -> list[float]:
    found = describe(host, properties)
    return [found[name] for name in DESCRIPTORS]


def _scale(values: Floats) -> Floats:
    width = values.std(axis=0)
    return np.stack([values.mean(axis=0), np.where(width > 0, width, 1.0)])


def _scaled(values: Floats, scale: Floats) -> Floats:
    return np.asarray((values - scale[0]) / scale[1])


def _impurity(name: str) -> list[float]:
    found = dict.fromkeys(NAMES, 0.0) if name == VACANCY else element(name)
    return [found[n] for n in NAMES]


def _atoms(host: str) -> list[float]:
    return [element(s)[name] for s in sublattices(host) for name in _OF_HOST_ATOMS]


def _contrast(host: str, site: str, name: str, edges: Mapping[str, float]) -> list[float]:
    """Impurity against what it replaces, against its neighbours and against the valence band."""
    first, second = (element(s) for s in sublattices(host))
    own = dict.fromkeys(NAMES, 0.0) if name == VACANCY else element(name)
    gone = {"M_A": first, "M_B": second}.get(site, dict.fromkeys(NAMES, 0.0))
    mean = {n: (first[n] + second[n]) / 2 for n in NAMES}
    near = {"M_A": second, "M_B": first, "M_i_A": first, "M_i_B": second}.get(site, mean)
    out = [own[n] - gone[n] for n in ("electronegativity", "radius", "valence", "p_level")]
    out += [own[n] - near[n] for n in ("electronegativity", "radius")]
    return [*out, *(own[n] - edges["vbm"] for n in ("p_level", "s_level", "d_level"))]


def flat_ladder(levels: Floats, step: float = 0.03, count: int = 3) -> NDArray[np.bool_]:
    """Rows whose levels hardly move over `count` steps of the charge; shape (n,).

    An electron more on the same defect costs Coulomb energy; four levels within some hundredths
    of an eV are the mark of runs that ended in the same state, not of a defect.
    """
    return np.asarray((np.abs(np.diff(levels, axis=1)) < step).sum(axis=1) >= count)


def long_matrix(found: Defects, *, with_host: bool) -> Floats:
    """Descriptors with the charge as one more, shape (6 n, p): rows run over charges first.

    `with_host` adds the host's gap, lattice and band edges to the elements.
    """
    sites = np.eye(len(SITES))[found.site]
    blocks = [found.impurity, found.contrast[:, :6], found.atoms, sites, found.vacancy[:, None]]
    if with_host:
        blocks += [found.host, found.contrast[:, 6:]]
    wide = np.repeat(np.hstack(blocks), len(CHARGES), axis=0)
    charge = np.tile(np.array(CHARGES, dtype=float), len(found))
    return np.column_stack([wide, charge])
