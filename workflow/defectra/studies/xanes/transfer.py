"""FEFF to VASP for another element: what a model of one says of it, and how many sites it takes.

Each target site is answered by models that saw all pairs of the source element and a few sites of
the target, drawn from other materials. The strongest cheap baseline sees the same few sites: one
shift, one broadening, and their mean difference as far as it carries over between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.learn.saved import learn_domain, unit_maximum
from defectra.learn.splits import folds
from defectra.studies.xanes import delta
from defectra.studies.xanes.few_sites import FewSites, fit_shared
from defectra.studies.xanes.omnixas import POINTS, material
from defectra.studies.xanes.settings import XanesStudy
from defectra.studies.xanes.two_elements import (
    Pairs,
    Prepared,
    few_sites_correction,
    prepared_source,
    relative,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = dict[str, Any]
Spectra = Mapping[str, Floats]

RAW = delta.RAW
OTHER_CORRECTION = "correction of the other element"
OTHER_DELTA = "delta model of the other element"
AT_EDGE = "the same, relative to the edge"
WIDTHS = "FEFF with the core hole of VASP"
OTHER_SHIFT = "core hole of VASP, shift and broadening of the other element"
AT_WIDTH = "the same, relative to the edge, core holes equally wide"
MEAN_ONLY = "of that, the mean difference alone"
CORRECTION = "correction from a few sites"
WIDE_CORRECTION = "correction from a few sites, core hole of VASP"
AFTER = "delta model of the other element, corrected on a few sites"
OWN = "delta model from a few sites"
BOTH = "delta model from both elements"
CONTROL = "delta model from both elements, the other's pairs shuffled"
DOMAIN = "training domain of the other element"
WITHOUT = (
    RAW,
    OTHER_CORRECTION,
    OTHER_DELTA,
    AT_EDGE,
    WIDTHS,
    OTHER_SHIFT,
    AT_WIDTH,
)  # of no target site
WITH = (CORRECTION, WIDE_CORRECTION, AFTER, OWN, BOTH, CONTROL)
# Differences that are judged, on the same resamples: the first minus the second.
COMPARED = (
    *((BOTH, other) for other in (CORRECTION, WIDE_CORRECTION, OWN, CONTROL)),
    *((AFTER, other) for other in (CORRECTION, WIDE_CORRECTION, OWN)),
    *((OWN, other) for other in (CORRECTION, WIDE_CORRECTION)),
    (WIDE_CORRECTION, CORRECTION),
)
COMPARED_WITHOUT = (
    *((method, RAW) for method in WITHOUT[1:]),
    (OTHER_DELTA, OTHER_CORRECTION), (AT_WIDTH, OTHER_SHIFT), (AT_WIDTH, MEAN_ONLY),
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Held-out answers about one element.

    Attributes
    ----------
    element, source
        Asked about, and learnt from.
    sites
        Of the target, n.
    truth
        VASP, shape (n, 141).
    of
        By method and number of target sites: shape (repeats, n, 141).
    """

    element: str
    source: str
    sites: tuple[str, ...]
    truth: Floats
    of: Mapping[tuple[str, int], Floats]


def pairs_of(element: str, feff: Spectra, vasp: Spectra) -> Pairs:
    """Sites of which both engines give a spectrum, in order."""
    sites = tuple(sorted(set(feff) & set(vasp)))
    x, y = (np.array([table[s] for s in sites]) for table in (feff, vasp))
    return Pairs(element, tuple(material(s) for s in sites), x, y, sites)


def transfer_rows(pairs: Sequence[Pairs], settings: XanesStudy, seed: int) -> list[Row]:
    """Rows of ``metrics.csv`` for each element learnt from and each other one asked about."""
    rows = []
    for source, target in permutations(pairs, 2):
        answers = transfer(source, target, settings, seed)
        rows += transfer_metrics(answers, settings, seed)
        rows += domain_metrics(source, answers, target, settings, seed)
    return rows


def transfer(source: Pairs, target: Pairs, settings: XanesStudy, seed: int) -> Answers:
    """Every site of the target, answered without and with a few others of it."""
    found = {(name, 0): v[None] for name, v in _without(source, target, settings)}
    widened = replace(target, feff=found[AT_WIDTH, 0][0])
    repeats, counts = settings.transfer.repeats, settings.transfer.sites
    shape = (repeats, len(target.feff), POINTS)
    found |= {(name, n): np.full(shape, np.nan) for name in WITH for n in counts}
    wide = target.equally_wide()
    whole = prepared_source(source.equally_wide(), target.element, settings.delta)
    others = (whole, whole.shuffled(seed))
    parts = folds(
        Split.GROUPED,
        target.materials,
        n_folds=settings.transfer.folds,
        seed=seed,
        key="xanes.transfer.folds",
    )
    for number, (pool, test) in enumerate(parts):
        for repeat in range(repeats):
            order = _order(target.materials, pool, [seed, number, repeat])
            for n in counts:
                known = FewSites.of(wide.take(order[:n]), settings.delta)
                named = ((CORRECTION, target), (AFTER, widened))
                for name, values in (
                    (WIDE_CORRECTION, known.correction.apply(wide.feff[test])),
                    *_corrected(named, order[:n], test, settings),
                    *_learnt(known, wide.feff[test], others, settings),
                ):
                    found[name, n][repeat, test] = values
    return Answers(target.element, source.element, target.sites, target.vasp, found)


def _order(materials: Sequence[str], pool: Ints, seed: list[int]) -> Ints:
    """Sites of the pool, material by material in a drawn order."""
    names = sorted({materials[k] for k in pool})
    drawn = np.random.default_rng(seed).permutation(len(names))
    rank = {names[k]: place for place, k in enumerate(drawn)}
    return np.array(sorted(pool, key=lambda k: (rank[materials[k]], k)), np.int64)


def _without(source: Pairs, target: Pairs, settings: XanesStudy) -> Iterator[tuple[str, Floats]]:
    """Answers that know no VASP spectrum of the target."""
    yield RAW, target.feff
    fitted = delta.fit_correction(source.feff, source.vasp, settings.delta)
    base = fitted.apply(target.feff)
    yield OTHER_CORRECTION, base
    before = fitted.apply(source.feff)
    model = delta.learn(before, source.vasp - before, source.materials, settings.delta)
    yield OTHER_DELTA, base + model.predict(base)
    yield AT_EDGE, relative(source, target, settings.delta, width=False)
    wide = target.equally_wide()
    yield WIDTHS, wide.feff
    other = source.equally_wide()
    moved = delta.fit_correction(other.feff, other.vasp, settings.delta)
    yield OTHER_SHIFT, replace(moved, mean=np.zeros(POINTS)).apply(wide.feff)
    yield MEAN_ONLY, relative(other, wide, settings.delta, width=True, learns=False)
    yield AT_WIDTH, relative(other, wide, settings.delta, width=True)


def _corrected(
    named: Sequence[tuple[str, Pairs]], few: Ints, test: Ints, settings: XanesStudy
) -> Iterator[tuple[str, Floats]]:
    """Answers by a correction that is fitted on a few sites of the target."""
    for name, pairs in named:
        known = pairs.take(few)
        trials = delta.Trials.of(known.feff, known.vasp, settings.delta)
        fitted = few_sites_correction(known.materials, trials, np.arange(len(few)))
        yield name, fitted.apply(pairs.feff[test])


def _learnt(
    few: FewSites, feff: Floats, others: tuple[Prepared, Prepared], settings: XanesStudy
) -> Iterator[tuple[str, Floats]]:
    """Answers from a few sites of the target, alone, with the source, and with it shuffled."""
    for name, other in ((OWN, None), (BOTH, others[0]), (CONTROL, others[1])):
        yield name, fit_shared(few, other, settings.delta, settings.transfer).predict(feff)


def transfer_metrics(answers: Answers, settings: XanesStudy, seed: int) -> list[Row]:
    """Relative RMS and median r by method and number of sites, and paired differences.

    Rows of ``metrics.csv``; `subset` says how many sites of the target were known.
    """
    drawn = scores.Drawn.of([material(s) for s in answers.sites], settings.bootstrap, seed)
    errors = {key: _errors(answers.truth, v, drawn.weights) for key, v in answers.of.items()}
    lines = [(name, n, Metric.RELATIVE_RMS, v) for (name, n), v in errors.items()]
    lines += [
        (name, n, Metric.PEARSON, _median_r(answers.truth, v, drawn.weights))
        for (name, n), v in answers.of.items()
    ]
    for n in sorted({n for _, n in errors}):
        for one, other in COMPARED if n else COMPARED_WITHOUT:
            change = errors[one, n] - errors[other, n]
            lines.append((f"{one} - {other}", n, Metric.RMS_DIFFERENCE, change))
    return [_line(answers, *line, drawn, seed) for line in lines]


def domain_metrics(
    source: Pairs, answers: Answers, target: Pairs, settings: XanesStudy, seed: int
) -> list[Row]:
    """Whether the training domain of the source says that it is asked about another element.

    Share of the target's FEFF spectra outside of it, and the rank correlation of the distance
    with the error of the source's delta model. Rows of ``metrics.csv``.
    """
    from scipy.stats import spearmanr

    names = list(source.materials)
    far = learn_domain(unit_maximum(source.feff), names).outside(unit_maximum(target.feff))
    drawn = scores.Drawn.of(list(target.materials), settings.bootstrap, seed)
    share = drawn.weights @ (far > 1) / drawn.weights.sum(axis=1)
    error = ((answers.of[OTHER_DELTA, 0][0] - answers.truth) ** 2).mean(axis=1)
    rows = [np.repeat(np.arange(len(far)), w.astype(int)) for w in drawn.weights]
    rank = np.array([spearmanr(far[k], error[k]).statistic for k in rows])
    lines = ((Metric.SHARE_OUTSIDE, share), (Metric.SPEARMAN, rank))
    return [_line(answers, DOMAIN, 0, metric, values, drawn, seed) for metric, values in lines]


def _line(
    answers: Answers,
    name: str,
    number: int,
    metric: Metric,
    values: Floats,
    drawn: scores.Drawn,
    seed: int,
) -> Row:
    value, lo, hi = drawn.ends(values, scores.BOUNDS[metric])
    return {
        "target": f"{answers.element} VASP spectrum", "unit": "", "features": "FEFF",
        "model": name, "split": str(Split.GROUPED),
        "subset": subset_of(answers.source, answers.element, number),
        "fidelity": "FEFF -> VASP", "seed": seed, "n_train": number,
        "n_test": len(answers.sites), "n_groups": len({material(s) for s in answers.sites}),
        "metric": str(metric), "value": value, "lo": lo, "hi": hi,
    }  # fmt: skip


def subset_of(source: str, target: str, number: int) -> str:
    """Subset of a metrics row: source, target, and how many sites of the target were known."""
    return f"{source} -> {target}, {number} sites"


def _errors(truth: Floats, answers: Floats, weights: Floats) -> Floats:
    """Relative RMS of each resample, the mean over the repeats."""
    size = weights @ (truth**2).mean(axis=1)
    return np.mean(
        [np.sqrt(weights @ ((a - truth) ** 2).mean(axis=1) / size) for a in answers], axis=0
    )


def _median_r(truth: Floats, answers: Floats, weights: Floats) -> Floats:
    found = [delta.weighted_median(delta.pearson(truth, a), weights) for a in answers]
    return np.asarray(np.mean(found, axis=0))


def warning(rows: Sequence[Mapping[str, Any]], element: str) -> str:
    """What the model of an element did when it was asked about another, for people."""
    texts = []
    for row in rows:
        source, _, rest = str(row["subset"]).partition(" -> ")
        if source == element and row["model"] == OTHER_DELTA and row["metric"] == "relative_rms":
            raw = next(float(r["value"]) for r in rows if r["subset"] == row["subset"]
                       and r["model"] == RAW and r["metric"] == row["metric"])  # fmt: skip
            texts.append(
                f"asked about {rest.split(',')[0]} its relative RMS was {float(row['value']):.3f}, "
                f"that of FEFF as it is {raw:.3f}"
            )
    return "; ".join(texts)
