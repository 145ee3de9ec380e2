"""Scorecard of study `perovskites`: the authors' errors, the limits set for ours, the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core import claims
from defectra.core.claims import NAN, NOTHING, OWN, Value
from defectra.core.records import Metric, Split, Status
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites import binary_phases as salts
from defectra.studies.perovskites.evaluate import BASELINE
from defectra.studies.perovskites.problems import COMPOSITION, PBE, REFERENCES
from defectra.studies.perovskites.problems import OWN as OWN_ENDS

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Claim = partial(claims.Claim, "perovskites")
_PAPER = "arXiv:2109.10798"
# Test errors of the authors, one 80/20 split, decoded from their parity plots.
AUTHORS = {
    "gap_PBE": 0.21,
    "gap_HSE": 0.24,
    "decomposition_PBE": 0.11,
    "decomposition_HSE": 0.11,
    "lattice_PBE": 0.07,
    "lattice_HSE": 0.11,
    "refractive_index": 0.06,
    "log_fom": 0.16,
    "defect_energy": 0.25,
    "fermi_level": 0.26,
    "level_A": 0.13,
    "level_X": 0.23,
}
# Label, what is added to the formula, split, limit of the error.
LIMITS = (
    ("gap_HSE", "", Split.GROUPED, 0.20),
    ("gap_HSE", OWN_ENDS, Split.GROUPED, 0.20),
    ("gap_HSE", PBE, Split.GROUPED, 0.12),
    ("decomposition_HSE", REFERENCES, Split.GROUPED, 0.06),
    ("decomposition_HSE", "", Split.GROUPED, 0.06),
    ("decomposition_HSE", PBE, Split.GROUPED, 0.04),
    ("lattice_HSE", "", Split.GROUPED, 0.030),
    ("lattice_HSE", PBE, Split.GROUPED, 0.020),
    ("gap_HSE", "", Split.X_OUT, 0.55),
    ("gap_HSE", PBE, Split.X_OUT, 0.25),
)
SKILL = 0.5
INORGANIC = 54
# How far the mean of our own calculations may lie from the published column.
PARITY = {"lattice_PBE": 0.02, "gap_PBE": 0.1, "gap_HSE": 0.15}
# How far the mean of our decomposition energies may lie from the published column, eV.
DECOMPOSITION = 0.1
# Detailed balance at 1.42 eV, AM1.5G, 298 K.
LIMIT_GAAS, _LIMIT_SOURCE = 33.2, "Rühle, Sol. Energy 130, 139 (2016)"


def scorecard(
    metrics: Rows,
    quality: Rows,
    references: Rows,
    funnel: Rows,
    runs: Rows = (),
    parity: Rows = (),
    excesses: Rows = (),
    decomposition: Rows = (),
    films: Rows = (),
) -> list[Row]:
    """Rows of the scorecard; each table may be empty."""
    found = [
        *_authors(metrics),
        *_limits(metrics),
        *_skills(metrics),
        *_coverage(metrics),
        *_data(quality, references),
        *_count(funnel),
        *_runs(runs),
        *_parity(parity),
        *_salts(excesses),
        *_decomposition(decomposition),
        *_films(films),
    ]
    return [claim.row() for claim in found]


def _authors(metrics: Rows) -> Iterable[claims.Claim]:
    for target, error in AUTHORS.items():
        ours = _value(metrics, target, COMPOSITION, Split.GROUPED, Metric.RMSE)
        unit = _unit(metrics, target)
        text = f"{target}: test error no worse than the authors', 5-fold, formula alone"
        yield Claim(f"authors_{target}", text, error, ours, unit, 0.0, _PAPER, "below")


def _limits(metrics: Rows) -> Iterable[claims.Claim]:
    for target, added, split, limit in LIMITS:
        features = COMPOSITION + added
        ours = _value(metrics, target, features, split, Metric.RMSE)
        mean = _value(metrics, target, "none", split, Metric.RMSE, model=BASELINE)[0]
        text = f"{target} from {features}, {split}: error (mean predictor {mean:.3g})"
        name = f"limit_{target}{added}_{split}".replace(" + ", "_").replace(" ", "_").lower()
        yield Claim(name, text, limit, ours, _unit(metrics, target), 0.0, OWN, "below")


def _skills(metrics: Rows) -> Iterable[claims.Claim]:
    for split in (Split.A_OUT, Split.X_OUT):
        for features in (COMPOSITION, COMPOSITION + REFERENCES):
            rows = [
                r for r in metrics
                if r["target"] == "decomposition_HSE" and r["features"] == features
                and r["split"] == split and r["model"] == COMMITTEE
                and r["metric"] == Metric.SKILL and r["subset"] != "all"
            ]  # fmt: skip
            for row in rows:
                ours = (float(row["value"]), float(row["lo"]), float(row["hi"]))
                text = f"decomposition_HSE from {features}, {row['subset']} left out: skill"
                name = (
                    f"skill_{split}_{row['subset']}_{features}".replace(" + ", "_")
                    .replace(" ", "_")
                    .lower()
                )
                yield Claim(name, text, SKILL, ours, "", 0.0, OWN, "above")


def _coverage(metrics: Rows) -> Iterable[claims.Claim]:
    for target in ("gap_HSE", "decomposition_HSE", "lattice_HSE"):
        features = COMPOSITION + (REFERENCES if target.startswith("decomp") else "")
        ours = _value(metrics, target, features, Split.GROUPED, Metric.COVERAGE_90)
        text = f"{target} from {features}: share of held-out values inside the 90 % interval"
        yield Claim(f"coverage_{target}", text, 0.9, ours, "", 0.04, OWN, "equal")


def _data(quality: Rows, references: Rows) -> Iterable[claims.Claim]:
    names = float(len({row["name"] for row in quality}))
    text = "published rows that break an identity of vacancies and Fermi level (MAGeI3 does)"
    yield Claim("identities", text, 1.0, (names,) * 3, "", 0.0, OWN, "equal")
    wrong = [r for r in references if r["consistent"] == "no" and r["fidelity"] == "HSE"]
    text = "published reference energies of alkali halides that calorimetry contradicts"
    listed = ", ".join(sorted(f"{r['A']}{r['X']}" for r in wrong)) or "none"
    number = float(len(wrong)) if references else NAN
    yield Claim("references", f"{text}: {listed}", 0.0, (number,) * 3, "", 0.0, OWN, "equal")


def _count(funnel: Rows) -> Iterable[claims.Claim]:
    for frame in ("published", "consistent"):
        left = [float(r["left"]) for r in funnel if r["references"] == frame]
        text = (
            f"compounds that pass our criteria, {frame} references; those of the paper are not "
            f"public, so that its 574 cannot be reproduced"
        )
        ours: Value = (left[-1],) * 3 if left else NOTHING
        yield Claim(f"screened_{frame}", text, NAN, ours, "", 0.0, _PAPER, "equal")


def _runs(runs: Rows) -> Iterable[claims.Claim]:
    done = {r["name"] for r in runs if r["kind"] == "bands" and r["status"] == Status.OK}
    text = "pure inorganic ABX3 with lattice constant, PBE, HSE and spin-orbit gaps of our own"
    number = float(len(done)) if runs else NAN
    yield Claim("runs", text, float(INORGANIC), (number,) * 3, "", 0.0, OWN, "equal")


def _parity(parity: Rows) -> Iterable[claims.Claim]:
    for quantity, tolerance in PARITY.items():
        rows = [r for r in parity if r["quantity"] == quantity]
        off = np.array([float(r["deviation"]) for r in rows])
        text = (
            f"{quantity}: mean deviation of our {len(rows)} ideal cubic cells from the published "
            f"column (mean absolute {np.abs(off).mean() if rows else NAN:.3g})"
        )
        ours = _mean(off) if rows else NOTHING
        unit = rows[0]["unit"] if rows else ""
        yield Claim(f"parity_{quantity}", text, 0.0, ours, unit, tolerance, OWN, "equal")


def _salts(excesses: Rows) -> Iterable[claims.Claim]:
    wrong = sorted(f"{r['a']}{r['x']}" for r in excesses if float(r["excess_eV"]) > salts.WRONG_EV)
    text = (
        f"published reference energies of alkali halides that our own calculations contradict "
        f"({len(excesses)} tested): {', '.join(wrong) or 'none'}"
    )
    number = float(len(wrong)) if excesses else NAN
    yield Claim("salts", text, 0.0, (number,) * 3, "", 0.0, OWN, "equal")


def _decomposition(rows: Rows) -> Iterable[claims.Claim]:
    done = [r for r in rows if r["status"] == Status.OK]
    off = np.array([float(r["deviation_eV"]) for r in done if r["ax_consistent"] == "yes"])
    text = (
        f"PBE decomposition energies of our own less published ones: mean over the {len(off)} "
        f"compounds of an AX that both agree on, of {len(done)} computed (mean absolute "
        f"{np.abs(off).mean() if len(off) else NAN:.3g})"
    )
    ours = _mean(off) if len(off) else NOTHING
    yield Claim("decomposition_own", text, 0.0, ours, "eV", DECOMPOSITION, OWN, "equal")


def _films(rows: Rows) -> Iterable[claims.Claim]:
    thick = [r for r in rows if r["material"] == "GaAs"]
    value = max((float(r["slme_percent"]) for r in thick), default=NAN)
    text = "efficiency limit of a thick GaAs film, measured absorption: that of its gap"
    yield Claim("slme_GaAs", text, LIMIT_GAAS, (value,) * 3, "%", 0.3, _LIMIT_SOURCE, "equal")


def _mean(values: NDArray[np.float64]) -> Value:
    """Mean and its 90 % interval, of the normal distribution."""
    half = 1.645 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else NAN
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def _unit(metrics: Rows, target: str) -> str:
    wanted = (r for r in metrics if r["target"] == target and r["metric"] == Metric.RMSE)
    unit = next((r["unit"] for r in wanted), "")
    return unit if isinstance(unit, str) else ""


def _value(
    rows: Rows, target: str, features: str, split: Split, metric: Metric, model: str = COMMITTEE
) -> Value:
    """Value and bounds, each the mean over the repeats with other seeds."""
    wanted = (target, features, split, metric, model, "all")
    keys = ("target", "features", "split", "metric", "model", "subset")
    found = [
        [float(r[k]) for k in ("value", "lo", "hi")]
        for r in rows
        if tuple(r[k] for k in keys) == wanted
    ]
    if not found:
        return NOTHING
    value, low, high = np.mean(found, axis=0).tolist()
    return value, low, high
