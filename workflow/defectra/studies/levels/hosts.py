"""Host properties, each number with its kind and source; our own calculations win over others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from defectra.core.errors import TableError
from defectra.core.units import HBAR2_OVER_2M_EV_A2
from defectra.structures.elements import element, sublattices
from defectra.studies.levels.csv_lines import read_named

COLUMNS = ["host", "property", "value", "unit", "kind", "source"]
KINDS = ("computed", "literature", "estimate")  # the earlier wins
UNITS = {"lattice": "Å", "gap": "eV", "epsilon_static": "", "epsilon_electronic": ""}
DESCRIPTORS = ("lattice", "gap", "vbm", "cbm", "polarity", "contrast", "valence")

# Harrison's universal matrix elements between neighbours, V = eta hbar^2 / (m d^2), hbar^2 / m in
# eV A^2; all of one edition: W. A. Harrison, Electronic Structure and the Properties of Solids
# (Freeman 1980), ch. 2; later ones have -1.32, 2.22 and -0.63, which are not mixed with these.
HBAR2_OVER_M = 2 * HBAR2_OVER_2M_EV_A2
ETA_SS_SIGMA, ETA_PP_SIGMA, ETA_PP_PI = -1.40, 3.24, -0.81
# Both edges are states of the zone centre, where the four neighbours of an atom add up.
NEIGHBOURS = 4
ETA_P = NEIGHBOURS * (ETA_PP_SIGMA + 2 * ETA_PP_PI) / 3  # 2.16
ETA_S = NEIGHBOURS * -ETA_SS_SIGMA  # 5.60

_CHEMISTRIES = {
    **{"O": "oxides", "S": "sulfides", "Se": "selenides", "Te": "tellurides"},
    **{"N": "nitrides", "P": "phosphides", "As": "arsenides", "Sb": "antimonides"},
}


def read_hosts(path: str | Path, kinds: tuple[str, ...] = KINDS) -> dict[str, dict[str, float]]:
    """Properties by host and name; of several values the best kind counts.

    Parameters
    ----------
    kinds
        Lines of other kinds are passed over; with all kinds a host must have all it needs.

    Raises
    ------
    TableError
        If a line is incomplete, its unit or kind is wrong, a number is no number, or a host has
        no lattice constant or gap.
    """
    best: dict[tuple[str, str], tuple[int, float]] = {}
    heads, lines = read_named(path)
    if heads != COLUMNS:
        raise TableError(f"{path}: columns {heads}, expected {COLUMNS}")
    for number, row in lines:
        key, rank, value = _entry(row, f"{path}: line {number}")
        if row["kind"] in kinds and (key not in best or rank < best[key][0]):
            best[key] = (rank, value)
    out: dict[str, dict[str, float]] = {}
    for (host, name), (_, value) in best.items():
        out.setdefault(host, {})[name] = value
    for host, found in out.items():
        for name in ("lattice", "gap"):
            if name not in found and kinds == KINDS:
                raise TableError(f"{path}: host {host} has no {name}; add a line with its source")
    return out


def with_computed(
    hosts: Mapping[str, dict[str, float]], rows: Iterable[Mapping[str, Any]], fidelity: str
) -> dict[str, dict[str, float]]:
    """Properties with lattice constant and gap of our own calculations where there are some.

    Parameters
    ----------
    rows
        Of the table of hosts that the level engine computed.
    fidelity
        ``measured`` leaves all as it is; ``lda``, ``pbe``, ``pbe_soc`` or ``hse`` names the gap.
        A gap below zero (bands that cross) counts as none.
    """
    out = {host: dict(properties) for host, properties in hosts.items()}
    for row in rows:
        if fidelity != "measured" and row["host"] in out:
            found = out[row["host"]]
            found["lattice"] = row["lattice_A"]
            found["gap"] = max(row[f"gap_{fidelity}_eV"], 0.0)
            found["epsilon_electronic"] = row["epsilon_electronic"]
    return out


def static_ratios(properties: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Static over electronic dielectric constant of each host that has both."""
    both = ("epsilon_static", "epsilon_electronic")
    return {h: p[both[0]] / p[both[1]] for h, p in properties.items() if set(both) <= set(p)}


def _entry(row: dict[str, str], where: str) -> tuple[tuple[str, str], int, float]:
    name, kind = row["property"], row["kind"]
    if name not in UNITS:
        raise TableError(f"{where}: property {name!r}; allowed: {', '.join(UNITS)}")
    if row["unit"] != UNITS[name]:
        raise TableError(f"{where}: unit of {name} is {UNITS[name]!r}, found {row['unit']!r}")
    if kind not in KINDS or not row["source"]:
        raise TableError(f"{where}: kind ({', '.join(KINDS)}) and source are needed")
    try:
        value = float(row["value"])
    except ValueError:
        raise TableError(f"{where}: {name} is {row['value']!r}, not a number") from None
    if not math.isfinite(value) or value < 0 or (name != "gap" and value == 0):
        raise TableError(f"{where}: {name} {value} cannot be")
    return (row["host"], name), KINDS.index(kind), value


def chemistry(host: str) -> str:
    """Chemistry of a host by its anion: nitrides, tellurides, …; carbides hold diamond.

    Hosts of group 14 without carbon are ``group 14``; an unknown anion gives its symbol.
    """
    first, second = sublattices(host)
    if element(first)["valence"] == element(second)["valence"]:
        return "carbides" if "C" in (first, second) else "group 14"
    return _CHEMISTRIES.get(second, second)


def describe(host: str, properties: dict[str, float]) -> dict[str, float]:
    """Descriptors of a host, by the names of :data:`DESCRIPTORS`; energies in eV, lengths in Å.

    ``vbm`` and ``cbm`` are band edges at the zone centre on the atomic scale, common to all hosts,
    from Harrison's formulas (E = mean -+ sqrt(V2^2 + V3^2), V2 of p and of s states, summed over
    the four neighbours); ``polarity`` is his V3.
    """
    first, second = (element(s) for s in sublattices(host))
    bond = properties["lattice"] * math.sqrt(3) / 4
    coupling = HBAR2_OVER_M / bond**2
    polar = (first["p_level"] - second["p_level"]) / 2
    s_polar = (first["s_level"] - second["s_level"]) / 2
    mean_p = (first["p_level"] + second["p_level"]) / 2
    mean_s = (first["s_level"] + second["s_level"]) / 2
    return {
        "lattice": properties["lattice"],
        "gap": properties["gap"],
        "vbm": mean_p - math.hypot(ETA_P * coupling, polar),
        "cbm": mean_s + math.hypot(ETA_S * coupling, s_polar),
        "polarity": polar,
        "contrast": second["electronegativity"] - first["electronegativity"],
        "valence": first["valence"],
    }
