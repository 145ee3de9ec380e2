"""Every impurity on every site of every host, with intervals; and what to compute next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import TableError
from defectra.core.records import Column, Table
from defectra.defects.equations import gap_position
from defectra.structures.elements import element, sublattices
from defectra.studies.levels.csv_lines import read_named
from defectra.studies.levels.features import Hosts
from defectra.studies.levels.published import CHARGES
from defectra.studies.levels.saved import LevelModel
from defectra.studies.levels.settings import Acquisition

Row = dict[str, Any]

SPACE = Table(
    "level_space",
    (
        Column("host", "string", "", "formula"),
        Column("site", "string", "", "site"),
        Column("impurity", "string", "", "element"),
        Column("q_from", "int", "e", "charge before the electron comes"),
        Column("level_eV", "float", "eV above VBM", "predicted PBE level; a fit where learnt"),
        Column("lo_eV", "float", "eV above VBM", "lower end of the 90 % interval; NaN if learnt"),
        Column("hi_eV", "float", "eV above VBM", "upper end of the 90 % interval; NaN if learnt"),
        Column(
            "learnt",
            "bool",
            "",
            "the published level was a training label: no prediction, and no interval",
        ),
        Column("place", "string", "", "in gap, below VBM, above CBM, host without a gap"),
        Column("published_eV", "float", "eV above VBM", "published DFT level, NaN if none"),
        Column("krr_eV", "float", "eV above VBM", "published kernel ridge prediction"),
        Column("nn_eV", "float", "eV above VBM", "published neural-network prediction"),
        Column("rfr_eV", "float", "eV above VBM", "published random-forest prediction"),
    ),
)
ACQUISITION_COLUMNS = [
    *("rank", "host", "site", "impurity", "charges", "gain_eV", "cost_s", "gain_per_cost"),
    *("largest_half_width_eV", "levels_maybe_in_gap"),
]
MODELS = ("krr", "nn", "rfr")
_HEADS = ["(+3/+2)", "(+2/+1)", "(+1/0)", "(0/-1)", "(-1/-2)", "(-2/-3)"]
Key = tuple[str, str, str]


def read_predictions(path: str | Path) -> dict[Key, list[float]]:
    """Levels of one published model by (host, site, impurity).

    Raises
    ------
    TableError
        If a column is missing, a defect occurs twice, a line has fewer or more cells than names,
        or a level is no number.
    """
    out: dict[Key, list[float]] = {}
    heads, lines = read_named(path)
    name = "M" if "M" in heads else "Impurity"
    missing = [h for h in ("AB", "Site", name, *_HEADS) if h not in heads]
    if missing:
        raise TableError(f"{path}: column {missing[0]!r} is missing")
    for line, row in lines:
        key = (row["AB"], row["Site"], row[name])
        if key in out:
            raise TableError(f"{path}: line {line}: {key} occurs twice")
        try:
            out[key] = [float(row[h]) for h in _HEADS]
        except ValueError as error:
            raise TableError(f"{path}: line {line}: {error}") from None
    return out


def predict_space(
    model: LevelModel, hosts: Hosts, published: Mapping[str, Mapping[Key, list[float]]]
) -> list[Row]:
    """Rows of the space table: the saved model on all that the published predictions name.

    So ours stand beside theirs.
    """
    keys = sorted({k for table in published.values() for k in table})
    found = model.predict(keys, hosts)
    value, half = found.value, found.half
    known = dict(zip(model.keys, model.labels))
    nothing = [float("nan")] * len(CHARGES)
    return [
        {
            **dict(zip(("host", "site", "impurity"), key)),
            "q_from": charge,
            "level_eV": float(value[k, c]),
            "lo_eV": float(value[k, c] - half[k, c]),
            "hi_eV": float(value[k, c] + half[k, c]),
            "learnt": bool(found.known[k]),
            "place": str(gap_position(float(value[k, c]), hosts[key[0]]["gap"])),
            "published_eV": float(known.get(key, nothing)[c]),
            **{f"{m}_eV": float(published.get(m, {}).get(key, nothing)[c]) for m in MODELS},
        }
        for k, key in enumerate(keys)
        for c, charge in enumerate(CHARGES)
    ]


def next_runs(space: Sequence[Mapping[str, Any]], hosts: Hosts, settings: Acquisition) -> list[Row]:
    """Ranked list of defects to compute: expected gain per cost, the largest first.

    The gain of a defect is the sum over its levels of the half width, each weighted by the
    chance (taken as even over its interval) that the level lies in the gap; the cost grows with
    the electrons of the cell and counts its charges. What was learnt is left out.
    """
    rows = []
    width = len(CHARGES)
    for start in range(0, len(space), width):
        six = space[start : start + width]
        if six[0]["learnt"] or hosts[six[0]["host"]]["gap"] <= 0:
            continue
        rows.append(_candidate(six, hosts[six[0]["host"]]["gap"], settings))
    rows.sort(key=lambda r: (-r["gain_per_cost"], r["host"], r["site"], r["impurity"]))
    return [{"rank": k, **r} for k, r in enumerate(rows[: settings.count], 1)]


def _candidate(six: Sequence[Mapping[str, Any]], gap: float, settings: Acquisition) -> Row:
    """Levels more likely in the gap than not, or the likeliest one, and the charges they need."""
    widths = [r["hi_eV"] - r["lo_eV"] for r in six]
    inside = [
        max(0.0, min(r["hi_eV"], gap) - max(r["lo_eV"], 0.0)) / w for r, w in zip(six, widths)
    ]
    chosen = [k for k, share in enumerate(inside) if share > 0.5] or [int(np.argmax(inside))]
    charges = {six[k]["q_from"] - step for k in chosen for step in (0, 1)}
    gain = sum(inside[k] * widths[k] / 2 for k in chosen)
    price = cost(six[0]["host"], six[0]["impurity"], len(charges), settings)
    return {
        "host": six[0]["host"],
        "site": six[0]["site"],
        "impurity": six[0]["impurity"],
        "charges": " ".join(f"{q:+d}" if q else "0" for q in sorted(charges, reverse=True)),
        "gain_eV": gain,
        "cost_s": price,
        "gain_per_cost": gain / price,
        "largest_half_width_eV": max(widths) / 2,
        "levels_maybe_in_gap": sum(share > 0.5 for share in inside),
    }


def cost(host: str, impurity: str, charges: int, settings: Acquisition) -> float:
    """CPU s of the charges of one defect: a power law in the valence electrons of the cell.

    Measured: 60 s for a charge state of 64 atoms of ZnSe, 8 electrons a pair without d shells.
    """
    pairs = settings.cell_atoms / 2
    valence = sum(element(s)["valence"] for s in sublattices(host))
    electrons = pairs * valence + element(impurity)["valence"]
    factor = (electrons / (32 * 8.0)) ** settings.exponent
    spin = 2.0 if element(impurity)["open_d"] else 1.0
    return settings.reference_s * factor * spin * charges
