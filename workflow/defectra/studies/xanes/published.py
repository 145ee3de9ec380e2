"""The published checks of arXiv:2310.07049, recomputed from the files of its authors.

Their models come as tree arrays (``models_npz``), their measured spectra as JSON; the grid of
the latter is 8330 + 0.4 k eV, that of the computed ones 0.40404 eV apart: paired by index, as
the authors did.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.npz import read_npz
from defectra.core.units import FWHM_PER_SIGMA
from defectra.learn.forest import Forest
from defectra.spectra.broaden import gaussian
from defectra.spectra.measured_series import Series
from defectra.spectra.normalise import cdf

Floats = NDArray[np.float64]
Row = dict[str, Any]

COMPUTED = np.linspace(8330.0, 8370.0, 100)  # eV
VASP_SHIFT, VASP_SIGMA = 120.0, 1.27  # eV: how the authors treat a VASP output
SHIFT = 3.0  # eV: the shift that the authors apply to the computed spectrum
DIGITS = 0.55e-4  # half a unit of the fourth digit, and the rounding of csv files
CHECK_COLUMNS = ["check", "kind", "whose", "published", "ours", "tolerance"]
AUTHORS = "authors"  # printed by the authors
OURS = "ours"  # obtained before by us from the authors' files, not printed by them
_SERIES: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "NMC622": (AUTHORS, (3.4197, 3.9845, 3.9845, 3.3477, 3.9866, 3.9849, 3.9849, 3.3889)),
    "NMC721": (OURS, (3.4101, 3.9871, 3.9876, 3.5422, 3.9873, 3.9870, 3.9871, 3.3233)),
}


def check_rows(
    series: Series, regressor: Path, classifier: Path, example: Path, record: Path
) -> list[Row]:
    """Every published number beside what the same files give here, columns CHECK_COLUMNS."""
    return [
        *_regression(series, Forest.from_arrays(read_npz(regressor), str(regressor))),
        *_classification(Forest.from_arrays(read_npz(classifier), str(classifier)), example),
        *_likeness(series, record),
    ]


def _regression(series: Series, forest: Forest) -> Iterator[Row]:
    answers = forest.predict(cdf(series.mu))
    for name, (whose, values) in _SERIES.items():
        rows = [k for k, c in enumerate(series.composition) if c == name]
        for number, (k, value) in enumerate(zip(rows, values)):
            volt = series.voltage[k]
            state = "pristine" if np.isnan(volt) else f"{volt:g} V"
            check = f"regressor, {name} #{number} ({state})"
            yield _row(check, "regressor", whose, value, answers[k], DIGITS)


def _classification(forest: Forest, example: Path) -> Iterator[Row]:
    data = np.loadtxt(example)
    fwhm = VASP_SIGMA * FWHM_PER_SIGMA
    mu = gaussian(data[:, 0] + VASP_SHIFT, data[:, 1], COMPUTED, fwhm)
    shares = forest.predict(cdf(mu[None, :]))[0]
    best = int(shares.argmax())
    label = float(forest.classes[best])
    yield _row("classifier, example VASP output: class", "class", AUTHORS, 3.0, label, 0.0)
    text = "classifier, example VASP output: probability"
    yield _row(text, "probability", OURS, 0.999, float(shares[best]), 0.5e-3)


def _likeness(series: Series, record: Path) -> Iterator[Row]:
    """As is: by index. Shifted: on the measured grid, where both are."""
    computed = np.array(json.loads(record.read_text(encoding="utf-8"))["intensity"], np.float64)
    measured, there = series.mu[0], series.energy >= COMPUTED[0] + SHIFT
    moved = np.interp(series.energy, COMPUTED + SHIFT, computed)[there]
    for name, pearson, cosine, a, b in (
        ("as is", 0.6650, 0.8798, measured, computed),
        (f"shifted {SHIFT:.1f} eV", 0.9760, 0.9920, measured[there], moved),
    ):
        text = f"measured #0 and computed #438, {name}"
        r = float(np.corrcoef(a, b)[0, 1])
        c = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        yield _row(f"Pearson, {text}", "Pearson", AUTHORS, pearson, r, DIGITS)
        yield _row(f"cosine, {text}", "cosine", AUTHORS, cosine, c, DIGITS)


def _row(check: str, kind: str, whose: str, published: float, ours: float, tolerance: float) -> Row:
    return {
        "check": check,
        "kind": kind,
        "whose": whose,
        "published": published,
        "ours": float(ours),
        "tolerance": tolerance,
    }
