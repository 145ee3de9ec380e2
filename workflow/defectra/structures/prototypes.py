"""Prototypes: crystals that are made from a name and lattice constants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from inspect import signature

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures.crystal import VACANCY, Crystal, build, check_element, with_sublattice

Vectors = NDArray[np.float64]

# Primitive vectors (rows) in units of the conventional cube.
FCC = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def _fcc(points: Sequence[Sequence[float]] | Vectors) -> Vectors:
    """Fractional coordinates in the primitive fcc cell of conventional cubic ones."""
    return np.asarray(points, dtype=float) @ np.linalg.inv(FCC)


def rocksalt(a: float, cation: str = "Na", anion: str = "Cl") -> Crystal:
    """Rock salt AB (Fm-3m), lattice constant `a` in Å; sublattices A and B."""
    coords = _fcc([[0, 0, 0], [0.5, 0.5, 0.5]])
    return build("rocksalt", a * FCC, coords, ("A", "B"), (cation, anion))


def zincblende(a: float, cation: str = "Zn", anion: str = "S") -> Crystal:
    """Zinc blende AB (F-43m); sublattices A and B and the empty i_A, i_B, i_oct.

    Interstitials: i_A and i_B are the tetrahedral sites with four A, or four B, as nearest
    neighbours; i_oct is the six-fold site between them (three A and three B).
    """
    crystal = build("zincblende", a * FCC, _fcc([[0, 0, 0], [0.25] * 3]), "AB", (cation, anion))
    for name, points in {
        "i_A": [[0.75] * 3],
        "i_B": [[0.5] * 3],
        "i_oct": [[0.625] * 3, [0.625, 0.375, 0.375], [0.375, 0.625, 0.375], [0.375, 0.375, 0.625]],
    }.items():
        crystal = with_sublattice(crystal, name, _fcc(points))
    return crystal


def wurtzite(a: float, c: float, cation: str = "Zn", anion: str = "S", u: float = 0.375) -> Crystal:
    """Wurtzite AB (P6_3mc), constants in Å; sublattices A and B."""
    third, two = 1 / 3, 2 / 3
    coords = [[third, two, 0], [two, third, 0.5], [third, two, u], [two, third, 0.5 + u]]
    lattice = _hexagonal(a, c)
    species = (cation, cation, anion, anion)
    return build("wurtzite", lattice, np.array(coords), ("A", "A", "B", "B"), species)


def layered(
    a: float = 2.870, c: float = 14.220, metal: str = "Ni", alkali: str = "Li", z: float = 0.2410
) -> Crystal:
    """Layered LiMO2 (R-3m, O3), hexagonal constants in Å; sublattices Li, M, O."""
    obverse = np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3.0
    coords = np.array([[0.5] * 3, [0.0] * 3, [z] * 3, [1 - z] * 3])
    names, species = ("Li", "M", "O", "O"), (alkali, metal, "O", "O")
    return build("layered", obverse @ _hexagonal(a, c), coords, names, species)


def layered_monoclinic(
    a: float = 4.971,
    b: float = 2.870,
    c: float = 5.021,
    beta: float = 109.25,
    metal: str = "Ni",
    alkali: str = "Li",
) -> Crystal:
    """Monoclinic layered LiMO2 (C2/m, O3'), constants in Å and degrees; Li, M, O.

    The setting in which delithiated (ordered) and Jahn-Teller distorted layers are reported:
    M at 2a, Li at 2d (0, 1/2, 1/2), O at 4i (x, 0, z) with x = 0.2707, z = 0.7726 (the values of
    monoclinic LiMnO2, Armstrong and Bruce, Nature 381, 499 (1996)).
    """
    x, z = 0.2707, 0.7726
    cosine, sine = np.cos(np.radians(beta)), np.sin(np.radians(beta))
    cell = np.array([[a, 0, 0], [0, b, 0], [c * cosine, 0, c * sine]])
    primitive = np.array([[0.5, -0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    points = np.array([[0, 0.5, 0.5], [0, 0, 0], [x, 0, z], [-x, 0, -z]])
    coords = points @ np.linalg.inv(primitive)
    names, species = ("Li", "M", "O", "O"), (alkali, metal, "O", "O")
    return build("layered_monoclinic", primitive @ cell, coords, names, species)


def spinel(a: float = 8.05, metal: str = "Ni", alkali: str = "Li", u: float = 0.2625) -> Crystal:
    """Spinel LiM2O4 (Fd-3m, origin at -3m), Å; Li 8a, M 16d, O 32e, and the empty Li16c."""
    eighth = [[0.125] * 3, [0.875] * 3]
    metal_sites = [[0.5, 0.5, 0.5], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]
    x, y = u, 0.25 - u
    half = [[x, x, x], [x, y, y], [y, x, y], [y, y, x]]
    oxygen = half + [[-v for v in point] for point in half]
    points = [*eighth, *metal_sites, *oxygen]
    names = ("Li",) * 2 + ("M",) * 4 + ("O",) * 8
    species = (alkali,) * 2 + (metal,) * 4 + ("O",) * 8
    crystal = build("spinel", a * FCC, _fcc(points), names, species)
    empty = np.array(metal_sites) + 0.5
    return with_sublattice(crystal, "Li16c", _fcc(empty))


def perovskite(
    a: float, site_a: str = "Cs", site_b: str = "Pb", anion: str = "I", axis: str = "100"
) -> Crystal:
    """Perovskite ABX3, cubic constant `a` in Å; sublattices A, B, X.

    Parameters
    ----------
    site_a
        An element, or a molecule: ``MA`` (CH3NH3) or ``FA`` (HC(NH2)2), whose atoms are then
        sublattices of their own (``A:C``, ``A:N``, ``A:H`` ...).
    axis
        Orientation of a molecule: its polar axis (C-N of MA, C-H of FA) along ``100``, ``110``
        or ``111``. The centre of mass sits on the A site.
    """
    from defectra.structures.molecules import MOLECULES, oriented

    frame = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    names, species = ("B", "X", "X", "X"), (site_b, anion, anion, anion)
    if site_a not in MOLECULES:
        coords = np.vstack([[[0.0, 0.0, 0.0]], frame])
        return build("perovskite", a * np.eye(3), coords, ("A", *names), (site_a, *species))
    elements, positions = oriented(site_a, axis)
    coords = np.vstack([positions / a, frame])
    labels = tuple(f"A:{e}" for e in elements)
    host = f"perovskite-{site_a}-{axis}"
    return build(host, a * np.eye(3), coords, (*labels, *names), (*elements, *species))


def perovskite_tilted(
    a: float, angle: float, site_a: str = "Cs", site_b: str = "Pb", anion: str = "I"
) -> Crystal:
    """Perovskite ABX3 with tilted octahedra (a-b+a-, Pnma, 20 atoms); sublattices A, B, X.

    Tilts about the three axes are equal, the two out of phase as large as the one in phase. Every
    bond B-X stays a / 2 long, so that the cell shrinks; angles X-B-X leave 90 degrees in second
    order only. A stays where the cubic cell has it. Tilt systems: A. M. Glazer, Acta Cryst. B 28,
    3384 (1972).

    Parameters
    ----------
    a
        Constant of the cubic cell with the same bonds, Å.
    angle
        B-X-B in degrees, from 120 to below 180 (untilted, a smaller cell would do).

    Raises
    ------
    StructureError
        If the angle is beyond these.
    """
    if not 120 <= angle < 180:
        raise StructureError(f"perovskite_tilted: angle {angle:g} is not from 120 to below 180")
    tilt = np.tan(np.radians((180 - angle) / 2)) / np.sqrt(2)
    edge = a / np.sqrt(1 + 2 * tilt**2)  # of the pseudo-cubic cell
    corners = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]])
    a_sites = [corner + 0.5 for corner in corners]
    anions = [corner + _to_anion(corner, axis, tilt) for axis in range(3) for corner in corners]
    turned = np.array([[1.0, 0, -1], [0, 2, 0], [1, 0, 1]])
    points = np.vstack([a_sites, corners, anions]) @ np.linalg.inv(turned)
    names = ("A",) * 4 + ("B",) * 4 + ("X",) * 12
    species = (site_a,) * 4 + (site_b,) * 4 + (anion,) * 12
    lengths = edge * np.diag([np.sqrt(2), 2, np.sqrt(2)])
    return build("perovskite_tilted", lengths, points % 1.0, names, species)


def _to_anion(corner: Vectors, axis: int, tilt: float) -> Vectors:
    """From B at a corner to its X along an axis: half an edge, turned by the tilts of its place."""
    out, along = (-1.0) ** corner.sum(), (-1.0) ** (corner[0] + corner[2])
    turn = tilt * np.array([out, along, out])  # in phase about the second axis
    half = 0.5 * np.eye(3)[axis]
    return half + np.cross(turn, half)


PROTOTYPES: dict[str, Callable[..., Crystal]] = {
    f.__name__: f
    for f in (
        *(rocksalt, zincblende, wurtzite, layered, layered_monoclinic, spinel),
        *(perovskite, perovskite_tilted),
    )
}


def prototype(name: str, **constants: float | str) -> Crystal:
    """Prototype by name.

    Raises
    ------
    StructureError
        If there is none of this name, a constant is missing, unknown to it, not a positive
        number or no element, or two sublattices hold the same element.
    """
    if name not in PROTOTYPES:
        raise StructureError(f"no prototype {name!r}; there are {', '.join(PROTOTYPES)}")
    crystal = PROTOTYPES[name](**_checked(name, constants))
    held = Counter(dict(zip(crystal.sublattices, crystal.species)).values())
    for species, sublattices in held.items():
        if species != VACANCY and sublattices > 1 and "A:" not in "".join(crystal.sublattices):
            raise StructureError(
                f"prototype {name}: {sublattices} sublattices hold {species}; sites that may be "
                "equivalent would be counted apart: give the crystal as a file"
            )
    return crystal


def _checked(name: str, constants: Mapping[str, float | str]) -> dict[str, float | str]:
    """Constants of the right kind; an axis of digits may come without its quotes."""
    known = signature(PROTOTYPES[name]).parameters
    missing = [k for k, p in known.items() if p.default is p.empty and k not in constants]
    unknown = [k for k in constants if k not in known]
    if missing or unknown:
        raise StructureError(
            f"prototype {name}: constants "
            + "; ".join(
                f"{what}: {', '.join(map(repr, keys))}"
                for what, keys in (("missing", missing), ("unknown", unknown))
                if keys
            )
            + f"; there are {', '.join(known)}"
        )
    return {
        k: _constant(f"prototype {name}: {k}", k, v, known[k].annotation)
        for k, v in constants.items()
    }


def _constant(where: str, key: str, value: float | str, kind: str) -> float | str:
    from defectra.structures.molecules import MOLECULES

    if key == "axis":
        return value if isinstance(value, str) else f"{value:.0f}"
    if kind == "float":
        if isinstance(value, str) or not 0 < value < np.inf:
            raise StructureError(f"{where}: {value!r} is not a positive number")
        return value
    if not isinstance(value, str) or value == VACANCY:
        raise StructureError(f"{where}: {value!r} is no element; in YAML, No is read as a switch")
    if not (key == "site_a" and value in MOLECULES):
        check_element(value, where)
    return value


def _hexagonal(a: float, c: float) -> Vectors:
    return np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])


def occupied(crystal: Crystal) -> tuple[str, ...]:
    """Names of the sublattices that hold atoms by default."""
    pairs = dict(zip(crystal.sublattices, crystal.species))
    return tuple(name for name, species in pairs.items() if species != VACANCY)
