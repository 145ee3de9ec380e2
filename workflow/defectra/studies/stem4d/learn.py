"""Trainings of study `stem4d` and their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from defectra.core.claims import Estimate
from defectra.engines.abtem.simulate import centre_of_mass
from defectra.learn.training import Trained, train
from defectra.studies.stem4d import measures
from defectra.studies.stem4d.names import COMPONENTS, PLAIN, TURNING, Metric
from defectra.studies.stem4d.networks import Plain, Turning
from defectra.studies.stem4d.polar import INSIDE, Standard, left_out, polar
from defectra.studies.stem4d.scans import SITES, Scan, cell_places, orbits
from defectra.studies.stem4d.settings import Stem4dStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
Scans = Mapping[tuple[str, str], Scan]
WEAK = 0.1  # of the largest deflection, below which no direction is compared without noise
TURNS = np.arange(7.0, 360.0, 17.0)  # degrees, of the turned copies
SEED_STEP = 1000  # between the first weights of one training
NETWORKS = {TURNING: Turning, PLAIN: Plain}


@dataclass(frozen=True)
class Prepared:
    """Rings of scans, standardised together, and how."""

    rings: Mapping[str, NDArray[np.float32]]
    standard: Standard


def prepare(scans: Sequence[Scan], study: Stem4dStudy) -> Prepared:
    """Patterns of scans on the polar grid, by sample."""
    rings = {s.sample: _rings(s, study) for s in scans}
    standard = Standard.of(np.concatenate(list(rings.values())))
    return Prepared({name: standard(r) for name, r in rings.items()}, standard)


def _rings(scan: Scan, study: Stem4dStudy, turn: float = 0.0) -> Floats:
    largest = INSIDE * study.microscope.detector
    found = polar(scan.patterns, scan.step, largest, study.polar, turn)
    found[:, left_out(study)] = 0
    return found


def trained(
    model: str, rings: NDArray[np.float32], study: Stem4dStudy, seed: int, keep: Path
) -> Trained:
    """A network of a kind; no pattern has a label, so that none is held out.

    Some trainings end in a state that gives no pattern back, with twice the loss of the others.
    Each is therefore begun from several first weights, and the one of the least loss is taken:
    neither angle nor symmetry is looked at.
    """
    every = np.arange(len(rings))
    found = [
        train(
            lambda: NETWORKS[model](study.polar, study.network),
            {"rings": rings},
            lambda module, batch: module.loss(batch["rings"]),
            (every, every[:0]),
            study.training.model_copy(update={"seed": seed + SEED_STEP * start}),
            keep / f"start-{start}",
        )
        for start in range(study.starts)
    ]
    return min(found, key=lambda each: each.history[each.best_epoch]["train_loss"])


def latents(module: Any, rings: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Latent variables (n, l) and angles (n,)."""
    with torch.no_grad():
        values, angle = module.latents(torch.from_numpy(rings))
    return values.numpy().astype(float), angle.numpy().astype(float)


def score(
    target: str, model: str, metric: Metric, value: Estimate, fidelity: str, subset: str = "all"
) -> Row:
    """Row of ``metrics.csv``; `n_groups` counts trainings, or places with a vacancy."""
    return {
        "target": target, "unit": "", "features": "patterns", "model": model, "split": "none",
        "subset": subset, "fidelity": fidelity, "seed": 0, "n_train": value.n, "n_test": value.n,
        "n_groups": value.n, "metric": str(metric), "value": value.value, "lo": value.lo,
        "hi": value.hi,
    }  # fmt: skip


def symmetry(
    sample: str, scans: Scans, study: Stem4dStudy, seed: int, keep: Path
) -> tuple[list[Row], list[Row], Any]:
    """Cells of one sample at each method: latent rows, scores, and the network to keep."""
    rows: list[Row] = []
    scores: list[Row] = []
    kept = None
    for protocol in study.methods:
        if (sample, protocol) not in scans:
            continue
        scan = scans[sample, protocol]
        ready = prepare([scan], study)
        number = study.seeds if protocol == study.methods[0] else 1
        for model in NETWORKS:
            found = []
            for k in range(number):
                place = keep / f"{sample}-{protocol}-{model.split()[0]}-{k}"
                module = trained(model, ready.rings[sample], study, seed + k, place).module
                found.append((module, *latents(module, ready.rings[sample])))
            scores += [*_symmetry_scores(model, scan, ready, found, study)]
            rows += latent_rows(scan, model, found[0][1], found[0][2])
            kept = kept or found[0][0]  # the first is judged
        scores += [*_component_scores(scan, ready, study)]
    return rows, scores, kept


def _symmetry_scores(
    model: str,
    scan: Scan,
    ready: Prepared,
    found: Sequence[tuple[Any, Floats, Floats]],
    study: Stem4dStudy,
) -> Iterator[Row]:
    """Of trainings: module, latent variables and angles of each."""
    values = [z for _, z, _ in found]
    yield from _value_scores(model, scan, values, study)
    if model != TURNING:
        return
    least = WEAK * float(np.hypot(*_deflection(scan).T).max())
    angles = (measures.follows(a, _deflection(scan), least)[0] for _, _, a in found)
    yield score(scan.sample, model, Metric.ANGLE, Estimate.mean(angles), scan.protocol)
    draw = np.random.default_rng(0)
    dealt = (
        measures.follows(draw.permutation(a), _deflection(scan), least)[0] for _, _, a in found
    )
    yield score(scan.sample, model, Metric.ANGLE_DEALT, Estimate.mean(dealt), scan.protocol)
    copies = (_turned_copies(m, z, scan, ready, study) for m, z, _ in found)
    yield score(scan.sample, model, Metric.COPIES, Estimate.mean(copies), scan.protocol)


def _value_scores(
    model: str, scan: Scan, values: Sequence[Floats], study: Stem4dStudy
) -> Iterator[Row]:
    _, fractional = cell_places(scan.sample, study.scan.cell_points)
    for metric, mirrors in ((Metric.ORBIT, False), (Metric.ORBIT_MIRROR, True)):
        orbit = orbits(scan.sample, fractional, mirrors)
        share = Estimate.mean(measures.within_orbits(z, orbit) for z in values)
        yield score(scan.sample, model, metric, share, scan.protocol)
    draw, orbit = np.random.default_rng(0), orbits(scan.sample, fractional, False)
    dealt = Estimate.mean(measures.within_orbits(draw.permutation(z), orbit) for z in values)
    yield score(scan.sample, model, Metric.ORBIT_DEALT, dealt, scan.protocol)
    one, other = list(SITES[scan.sample])[:2]
    rows = [site_row(scan.sample, name, study.scan.cell_points) for name in (one, other)]
    apart = Estimate.mean(measures.apart(z, *rows) for z in values)
    yield score(scan.sample, model, Metric.SITES, apart, scan.protocol, f"{one} and {other}")


def site_row(sample: str, site: str, number: int) -> int:
    """Number of the place of a cell that lies on a site."""
    first, second = (round(v * number) % number for v in SITES[sample][site])
    return first * number + second


def deflection_of(patterns: Floats, step: Floats) -> Floats:
    """Mean deflection of patterns (x, y), mrad; 0 without electrons, shape (n, 2)."""
    return np.nan_to_num(centre_of_mass(patterns, step))


def _deflection(scan: Scan) -> Floats:
    return deflection_of(scan.patterns, scan.step)


def _turned_copies(
    module: Any, values: Floats, scan: Scan, ready: Prepared, study: Stem4dStudy
) -> float:
    """Root mean square change of latent variables of turned copies, over their spread."""
    changes = []
    for degrees in TURNS:
        rings = ready.standard(_rings(scan, study, np.radians(degrees)))
        changes.append(((latents(module, rings)[0] - values) ** 2).sum(1).mean())
    spread = ((values - values.mean(0)) ** 2).sum(1).mean()
    return float(np.sqrt(np.mean(changes) / spread))


def _component_scores(scan: Scan, ready: Prepared, study: Stem4dStudy) -> Iterator[Row]:
    flat = ready.rings[scan.sample].reshape(len(scan.places), -1).astype(float)
    values = PCA(study.network.latent + 1, random_state=0).fit_transform(flat)
    for row in _value_scores(COMPONENTS, scan, [values], study):
        yield row | {"lo": row["value"], "hi": row["value"]}  # arithmetic on given patterns


def latent_rows(scan: Scan, model: str, values: Floats, angle: Floats) -> list[Row]:
    """Rows of the table of latent variables, one for each place."""
    deflection = _deflection(scan)
    return [
        {
            "sample": scan.sample, "protocol": scan.protocol, "model": model,
            "x": float(scan.places[k, 0]), "y": float(scan.places[k, 1]),
            "values": values[k].tolist(),
            "angle": float(angle[k]) if model == TURNING else float("nan"),
            "deflection_x": float(deflection[k, 0]), "deflection_y": float(deflection[k, 1]),
            "calculation_id": scan.calculation_id,
        }
        for k in range(len(values))
    ]  # fmt: skip
