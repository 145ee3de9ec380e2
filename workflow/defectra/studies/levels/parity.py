"""Why computed levels differ from published ones: screening, size and relaxation, one at a time.

The published levels are of relaxed, larger cells. From cells that are there already:

* *screening*: the correction of a cell is linear in 1/epsilon. Its two parts (point charge, and
  alignment −q (dV − V_pc/epsilon) far from the defect) are known for the electronic constant, dV is
  read from the potentials, so that the level for the static constant follows without a new run;
* *size*: the same defect and protocol in several cells, against the smallest;
* *relaxation*: the same defect and cell, relaxed and not, without image-charge correction; and what
  is then left to the published levels, relaxed ones being screened by the static constant. A
  valence band in another place and the alignment of the correction move donors and acceptors in
  the same direction, its point-charge part in opposite ones: both parts of what is left are given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from defectra.core.claims import Estimate
from defectra.core.errors import EngineError
from defectra.defects.corrections import Correction
from defectra.defects.levels import Cells, offset
from defectra.studies.levels.inputs import DEFAULT_PROTOCOL, SMALLEST, DefectSet, protocol_of
from defectra.studies.levels.sets import Protocols, Tables, corrections_of, find

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

PARITY_COLUMNS = [
    *("host", "site", "impurity", "q_from", "kind", "mark", "published_eV", "bare_eV"),
    *("electronic_eV", "static_eV", "epsilon", "epsilon_static"),
]
SUMMARY_COLUMNS = ["cause", "kind", "quantity", "value", "lo", "hi", "unit", "n", "what"]
TREATMENTS = {
    "bare_eV": "no image-charge correction",
    "electronic_eV": "corrected, electronic constant",
    "static_eV": "corrected, static constant",
}
RELAXED = ("balanced", "relaxed")  # protocols
LARGE = 64  # atoms of a cell with room to relax, at least
_KINDS = {1: "donor", 0: "acceptor"}  # by the upper charge: (+1/0), (0/-1)


def parity_rows(
    levels: Rows, sets: Sequence[DefectSet], tables: Tables, protocols: Protocols
) -> list[Row]:
    """Unrelaxed levels of the smallest cells beside published ones, by each treatment.

    Bare, and corrected with either dielectric constant.

    Parameters
    ----------
    levels
        Rows of COMPUTED_LEVELS.
    """
    changes = {
        (s.host, s.site, s.impurity): _changes(s, tables, protocols)
        for s in sets
        if (s.protocol, s.atoms) == (DEFAULT_PROTOCOL, SMALLEST)
    }
    out = []
    for r in levels:
        key = (r["host"], r["site"], r["impurity"])
        shown = (r["protocol"], r["atoms"]) == (DEFAULT_PROTOCOL, SMALLEST)
        if not shown or not math.isfinite(r["published_eV"]):
            continue
        change = changes.get(key, {})
        upper, lower = (change.get(q, math.nan) if q else 0.0 for q in (r["q_from"], r["q_to"]))
        corrected = r["corrected_eV"]
        out.append(
            {
                **{k: r[k] for k in ("host", "site", "impurity", "q_from", "mark")},
                "kind": _KINDS.get(r["q_from"], "other"),
                "published_eV": r["published_eV"],
                "bare_eV": r["bare_eV"],
                "electronic_eV": corrected,
                "static_eV": corrected + lower - upper,
                "epsilon": r["epsilon"],
                "epsilon_static": r["epsilon"] * tables.ratios.get(r["host"], math.nan),
            }
        )
    return out


def _changes(chosen: DefectSet, tables: Tables, protocols: Protocols) -> dict[int, float]:
    """Change of the correction of each charge from the electronic to the static constant, eV."""
    ratio = tables.ratios.get(chosen.host)
    try:
        found = find(chosen, tables, protocol_of(chosen, protocols))
        if found is None or ratio is None:
            return {}
        cells, host = found
        fixes = corrections_of(cells, host, tables.corrections)
        rows = {r["charge"]: r for r in cells.charged}
        return {q: change(fix, cells, rows[q], ratio) for q, fix in fixes.items()}
    except EngineError:
        return {}


def change(fix: Correction, cells: Cells, row: Mapping[str, Any], ratio: float) -> float:
    """Correction with epsilon times `ratio` less that with epsilon, eV.

    With V_pc/epsilon = dV + alignment/q, both parts that go as 1/epsilon shrink by the ratio.
    """
    charge = row["charge"]
    screened = offset(cells, row) + fix.alignment_ev / charge  # V, of the point charge
    return float((fix.point_charge_ev + charge * screened) * (1 / ratio - 1))


def summary_rows(parity: Rows, levels: Rows) -> list[Row]:
    """What each cause does, with 90 % intervals over defects: rows of SUMMARY_COLUMNS."""
    return [*_signs(parity), *_screening(parity), *_sizes(levels), *_relaxation(levels)]


def _row(cause: str, kind: str, quantity: str, found: Estimate, what: str) -> Row:
    return {"cause": cause, "kind": kind, "quantity": quantity, "value": found.value,
            "lo": found.lo, "hi": found.hi, "unit": "eV", "n": found.n, "what": what}  # fmt: skip


def _signs(parity: Rows) -> Iterator[Row]:
    """Mean signed deviation from the published levels; the same defects in every treatment."""
    for kind in _KINDS.values():
        bound = [r for r in parity if r["kind"] == kind and r["mark"] != "shallow"]
        for text, some in (
            ("all", bound),
            ("static constant known", [r for r in bound if math.isfinite(r["static_eV"])]),
        ):
            for name, treatment in TREATMENTS.items():
                if name == "static_eV" and text == "all":
                    continue
                miss = [r[name] - r["published_eV"] for r in some if math.isfinite(r[name])]
                if miss:
                    what = f"mean computed less published, carrier bound, {text}"
                    yield _row("none", kind, treatment, Estimate.mean(miss), what)


def _screening(parity: Rows) -> Iterator[Row]:
    for kind in _KINDS.values():
        moved = [
            r["static_eV"] - r["electronic_eV"]
            for r in parity
            if r["kind"] == kind and r["mark"] != "shallow" and math.isfinite(r["static_eV"])
        ]
        if moved:
            what = "level with the static constant less level with the electronic one"
            yield _row("screening", kind, "mean", Estimate.mean(moved), what)


def _sizes(levels: Rows) -> Iterator[Row]:
    """What a larger cell changes in each level, and what is then left to the published one."""
    found: dict[tuple[Any, ...], dict[int, Mapping[str, Any]]] = {}
    for r in levels:
        if math.isfinite(r["corrected_eV"]):
            key = (r["host"], r["site"], r["impurity"], r["q_from"], r["protocol"])
            found.setdefault(key, {})[r["atoms"]] = r
    for (host, site, impurity, charge, protocol), by_size in found.items():
        small, large = min(by_size), max(by_size)
        if small == large:
            continue
        kind, defect = _KINDS.get(charge, "other"), f"{impurity} on {site} in {host}"
        if protocol != DEFAULT_PROTOCOL:
            defect += f" (protocol {protocol})"
        more, fewer = by_size[large], by_size[small]
        for name, words in (("bare_eV", "bare level"), ("corrected_eV", "corrected level")):
            moved, left = more[name] - fewer[name], more[name] - more["published_eV"]
            what = f"{defect}: {large} less {small} atoms"
            yield _row("size", kind, words, Estimate.exact(moved, 1), what)
            if math.isfinite(left):
                what = f"{defect}: {large} atoms"
                yield _row("size", kind, f"{words} less published", Estimate.exact(left, 1), what)


def _relaxation(levels: Rows) -> Iterator[Row]:
    names = ("host", "site", "impurity", "q_from", "atoms")
    ideal = {tuple(r[k] for k in names): r["bare_eV"] for r in levels if is_ideal(r)}
    for r in levels:
        key = tuple(r[k] for k in names)
        if r["protocol"] not in RELAXED or not math.isfinite(r["bare_eV"]):
            continue
        kind, left = _KINDS.get(r["q_from"], "other"), r["corrected_eV"] - r["published_eV"]
        what = f"{r['impurity']} on {r['site']} in {r['host']}, {r['atoms']} atoms: relaxed"
        if key in ideal:
            moved = Estimate.exact(r["bare_eV"] - ideal[key], 1)
            yield _row("relaxation", kind, "bare level", moved, f"{what} less ideal")
        if math.isfinite(left):
            found = Estimate.exact(left, 1)
            yield _row("relaxation", kind, "corrected level less published", found, what)
    for column, words in (("bare_eV", "bare level"), ("corrected_eV", "corrected level")):
        yield from _left(left_when_relaxed(levels, column), f"{words} less published")


def _left(means: Mapping[str, Estimate], quantity: str) -> Iterator[Row]:
    """What is left to the published levels when relaxed, by kind and taken together."""
    found = {
        kind: (mean, f"mean over relaxed cells of {LARGE} atoms and more, carrier bound")
        for kind, mean in means.items()
    }
    if set(means) == set(_KINDS.values()):
        common, opposite = common_and_opposite(means["donor"], means["acceptor"])
        found["common part"] = common, "half the sum of both means: the same direction"
        found["opposite part"] = opposite, "half of donors less acceptors: opposite directions"
    for kind, (mean, what) in found.items():
        yield _row("relaxation", kind, quantity, mean, what)


def common_and_opposite(donor: Estimate, acceptor: Estimate) -> tuple[Estimate, Estimate]:
    """Half the sum and half the difference of two independent means.

    The interval is that of Welch (Biometrika 34, 28 (1947)): Student's t with the degrees of
    freedom that the two variances leave. NaN where one of them rests on a single value.

    Parameters
    ----------
    donor, acceptor
        Means with their intervals of Student's t (:meth:`Estimate.mean`), eV.
    """
    from scipy.stats import t

    def variance(mean: Estimate) -> float:
        """Variance of the mean, from the half width of its interval."""
        if mean.n < 2:
            return math.nan
        return float(((mean.hi - mean.lo) / 2 / t.ppf(0.95, mean.n - 1)) ** 2)

    variances, n = [variance(m) for m in (donor, acceptor)], donor.n + acceptor.n
    total, half = sum(variances), math.nan
    if total >= 0:
        parts = sum(v**2 / (m.n - 1) for v, m in zip(variances, (donor, acceptor)))
        freedom = total**2 / parts if parts else math.inf
        half = float(t.ppf(0.95, freedom) * math.sqrt(total)) / 2
    middles = ((donor.value + acceptor.value) / 2, (donor.value - acceptor.value) / 2)
    common, opposite = (Estimate(v, v - half, v + half, n) for v in middles)
    return common, opposite


def is_ideal(row: Mapping[str, Any]) -> bool:
    """Whether a level is one of the shipped protocol, at ideal positions."""
    return row["protocol"] == DEFAULT_PROTOCOL and math.isfinite(row["bare_eV"])


def left_when_relaxed(levels: Rows, column: str = "corrected_eV") -> dict[str, Estimate]:
    """Levels of relaxed large cells less the published ones, eV: mean over defects.

    By kind of level; those whose carrier is not bound, or without a corrected level, are left out.
    """
    found: dict[str, list[float]] = {kind: [] for kind in _KINDS.values()}
    for r in levels:
        left = r[column] - r["published_eV"]
        large = r["protocol"] in RELAXED and r["atoms"] >= LARGE and r["mark"] != "shallow"
        if large and r["q_from"] in _KINDS and math.isfinite(left + r["corrected_eV"]):
            found[_KINDS[r["q_from"]]].append(left)
    return {kind: Estimate.mean(values) for kind, values in found.items() if values}
