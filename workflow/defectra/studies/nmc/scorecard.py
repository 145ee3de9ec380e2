"""Scorecard of study `nmc`: published claims beside ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from defectra.core import claims
from defectra.core.claims import NAN, NOTHING, OWN, Value
from defectra.core.records import Metric, Split, Status
from defectra.studies.nmc.lithium import FIXED, NI_MEAN, O_PRE_EDGE, RELAXATION, TOTAL

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

Claim = partial(claims.Claim, "nmc")
_XANES, _NMC = "arXiv:2310.07049", "arXiv:2501.08919"
_DRIFT_TOLERANCE = 1e-3


def scorecard(metrics: Rows, lithium: Rows, drift: Rows) -> list[Row]:
    """Rows of the scorecard of study `nmc`.

    Parameters
    ----------
    metrics, lithium, drift
        Rows of ``metrics.csv``, ``lithium.csv`` and the drift table; each may be empty.
    """
    found = [*_lithium_claims(lithium), *_model_claims(metrics), *_alarm_claims(metrics)]
    return [c.row() for c in [*found, _drift_claim(drift)]]


def _lithium_claims(rows: Rows) -> Iterable[claims.Claim]:
    def found(quantity: str, part: str) -> Value:
        return _value(rows, quantity=quantity, part=part)

    peak = "Ni K main peak, lithium 1.0 to 0.2"
    yield Claim(
        "ni_k_shift", f"{peak}, moves up", 2.7, found(NI_MEAN, TOTAL), "eV", 0.7, _XANES, "equal"
    )
    for part in (FIXED, RELAXATION):
        name = f"ni_k_shift_{part.split()[0]}"
        text = f"{peak}: part of {part} is above 0"
        yield Claim(name, text, 0.0, found(NI_MEAN, part), "eV", 0.0, OWN, "above")
    text = "O K pre-edge grows as lithium leaves (area ratio above 1)"
    yield Claim("o_k_pre_edge", text, 1.0, found(O_PRE_EDGE, TOTAL), "", 0.0, OWN, "above")


def _model_claims(rows: Rows) -> Iterable[claims.Claim]:
    grouped = str(Split.GROUPED)
    for target in ("x_Li", "x_Ni", "x_Mn", "x_Co"):
        skill = _value(
            rows,
            target=target,
            features="cdf: all",
            split=grouped,
            metric=str(Metric.SKILL),
            model="xgboost",
        )
        text = f"{target} from all edges beats the training mean (skill above 0)"
        yield Claim(f"{target}_skill", text, 0.0, skill, "", 0.0, OWN, "above")
    for target in ("vacancy", "antisite"):
        wanted = {"target": target, "split": grouped, "model": "xgboost"}
        accuracy = _value(rows, features="cdf: all", metric=str(Metric.BALANCED_ACCURACY), **wanted)
        text = f"{target}: accuracy from all edges"
        yield Claim(f"{target}_accuracy", text, NAN, accuracy, "", 0.0, _NMC, "equal")
        auroc = _value(rows, features="cdf: all", metric=str(Metric.AUROC), **wanted)
        text = f"{target} from all edges is better than chance (AUROC above 1/2)"
        yield Claim(f"{target}_auroc", text, 0.5, auroc, "", 0.0, OWN, "above")
        gain = _value(
            rows,
            features="cdf: all minus best single edge",
            metric=str(Metric.AUROC),
            **wanted,
        )
        text = f"{target}: all edges beat the best single edge (gain of AUROC above 0)"
        yield Claim(f"{target}_gain", text, 0.0, gain, "", 0.0, _NMC, "above")
        over = _value(rows, features="cdf: all minus contents", metric=str(Metric.AUROC), **wanted)
        text = f"{target}: all edges beat lithium and metal contents alone (gain of AUROC above 0)"
        yield Claim(f"{target}_over_contents", text, 0.0, over, "", 0.0, OWN, "above")


def _alarm_claims(rows: Rows) -> Iterable[claims.Claim]:
    for target in ("vacancy", "antisite"):
        for features in ("metadata", "shuffled"):
            auroc = _value(rows, target=target, features=features, metric=str(Metric.AUROC))
            text = f"alarm silent: {target} from {features} (AUROC not above 1/2, with interval)"
            name = f"alarm_{features}_{target}"
            yield Claim(name, text, 0.5, auroc, "", 0.05, OWN, "silent")
    skill = _value(rows, target="x_Li", features="shuffled", metric=str(Metric.SKILL))
    text = "alarm silent: lithium from shuffled labels (skill not above 0, with interval)"
    yield Claim("alarm_shuffled_x_Li", text, 0.0, skill, "", 0.05, OWN, "silent")


def _drift_claim(rows: Rows) -> claims.Claim:
    values = [float(r["relative_rms"]) for r in rows if r["status"] != Status.FAILED]
    known = len(values) == len(rows) and all(math.isfinite(v) for v in values)
    largest = max(values, default=NAN) if known else NAN
    text = f"largest relative RMS of {len(values)} archived spectra recomputed on this machine"
    if not known:
        text += f" ({len(rows) - len(values)} more could not be compared, see drift.parquet)"
    return Claim("drift", text, 0.0, (largest,) * 3, "", _DRIFT_TOLERANCE, OWN, "equal")


def _value(rows: Rows, **wanted: str) -> Value:
    for row in rows:
        if all(row[k] == v for k, v in wanted.items()):
            return float(row["value"]), float(row["lo"]), float(row["hi"])
    return NOTHING
