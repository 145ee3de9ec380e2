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
from defectra.studies.stem4d.names import COMPONENTS, DARK, DEFLECTION, PLAIN, TURNING, Metric
from defectra.studies.stem4d.networks import Plain, Turning
from defectra.studies.stem4d.polar import Standard, polar
from defectra.studies.stem4d.scans import SITES, Scan, cell_places, missing_atoms, orbits
from defectra.studies.stem4d.settings import Stem4dStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
Scans = Mapping[tuple[str, str], Scan]
INSIDE = 0.95  # of the detector, where the outermost ring lies
WEAK = 0.1  # of the largest deflection, below which no direction is compared without noise
SIGMAS = 3.0  # the same with noise, in its standard deviations
TURNS = np.arange(7.0, 360.0, 17.0)  # degrees, of the turned copies
NETWORKS = {TURNING: Turning, PLAIN: Plain}


@dataclass(frozen=True)
class Prepared:
    """Rings of scans, standardised together, and how."""

    rings: Mapping[str, NDArray[np.float32]]
    standard: Standard


def prepare(scans: Sequence[Scan], study: Stem4dStudy) -> Prepared:
    """Patterns of scans on the polar grid, by sample."""
    rings = {s.sample: _rings(s, study) for s in scans}
    standard = Standard(np.concatenate(list(rings.values())))
    return Prepared({name: standard(r) for name, r in rings.items()}, standard)


def _rings(scan: Scan, study: Stem4dStudy, turn: float = 0.0) -> Floats:
    largest = INSIDE * study.microscope.detector
    found = polar(scan.patterns, scan.step, largest, study.polar, turn)
    radius = (np.arange(study.polar.radii) + 0.5) * largest / study.polar.radii
    found[:, np.abs(radius - study.microscope.aperture) < study.polar.edge] = 0
    return found


def trained(
    model: str, rings: NDArray[np.float32], study: Stem4dStudy, seed: int, keep: Path
) -> Trained:
    """A network of a kind; no pattern has a label, so that none is held out."""
    kind = NETWORKS[model]
    settings = study.training.model_copy(update={"seed": seed})
    every = np.arange(len(rings))
    return train(
        lambda: kind(study.polar, study.network),
        {"rings": rings},
        lambda module, batch: module.loss(batch["rings"]),
        (every, every[:0]),
        settings,
        keep,
    )


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
) -> tuple[list[Row], list[Row]]:
    """Cells of one sample at each method: latent rows and scores."""
    rows: list[Row] = []
    scores: list[Row] = []
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
            rows += _latent_rows(scan, model, found[0][1], found[0][2])
        scores += [*_component_scores(scan, ready, study)]
    return rows, scores


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
    one, other = list(SITES[scan.sample])[:2]
    rows = [site_row(scan.sample, name, study.scan.cell_points) for name in (one, other)]
    apart = Estimate.mean(measures.apart(z, *rows) for z in values)
    yield score(scan.sample, model, Metric.SITES, apart, scan.protocol, f"{one} and {other}")


def site_row(sample: str, site: str, number: int) -> int:
    """Number of the place of a cell that lies on a site."""
    first, second = (round(v * number) % number for v in SITES[sample][site])
    return first * number + second


def _deflection(scan: Scan) -> Floats:
    return centre_of_mass(scan.patterns, scan.step)


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


def _latent_rows(scan: Scan, model: str, values: Floats, angle: Floats) -> list[Row]:
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


def vacancies(
    scans: Scans, study: Stem4dStudy, seed: int, keep: Path
) -> tuple[list[Row], list[Row]]:
    """Sheets with and without vacancies at each dose: latent rows and scores of detection."""
    rows: list[Row] = []
    scores: list[Row] = []
    for protocol in (study.methods[0], *study.doses):
        own = [scans[s, protocol] for s in ("graphene", "mono", "di") if (s, protocol) in scans]
        if len(own) < 3:
            continue
        ready = prepare(own, study)
        wider = study.network.model_copy(update={"latent": study.network.latent_vacancies})
        study = study.model_copy(update={"network": wider})
        together = np.concatenate(list(ready.rings.values()))
        module = trained(TURNING, together, study, seed, keep / f"vacancies-{protocol}").module
        found = {s.sample: latents(module, ready.rings[s.sample]) for s in own}
        for scan in own:
            rows += _latent_rows(scan, TURNING, *found[scan.sample])
        scores += [*_detections(own, ready, found, study, seed)]
        scores += [*_noisy_angle(own[0], found["graphene"][1])]
    return rows, scores


def _noisy_angle(scan: Scan, angle: Floats) -> Iterator[Row]:
    """Angle against the deflection where that is above its noise."""
    if scan.patterns.sum() <= 2 * len(scan.patterns):  # without noise: shares of the beam
        return
    noise = measures.noise_of_deflection(scan.patterns, scan.step)
    deflection = _deflection(scan)
    strong = np.hypot(*deflection.T) > SIGMAS * noise
    if strong.sum() < 10:
        return
    value, number = measures.follows(angle[strong], deflection[strong], 0.0)
    whole = Estimate(value, float("nan"), float("nan"), number)
    yield score(scan.sample, TURNING, Metric.ANGLE, whole, scan.protocol, "above its noise")


def _detections(
    own: Sequence[Scan],
    ready: Prepared,
    found: Mapping[str, tuple[Floats, Floats]],
    study: Stem4dStudy,
    seed: int,
) -> Iterator[Row]:
    """Area under the curve of each feature; the classifier comes from the other vacancy."""
    whole, *holes = own
    features = {TURNING: {s.sample: found[s.sample][0] for s in own}}
    features[DEFLECTION] = {s.sample: np.hypot(*_deflection(s).T)[:, None] for s in own}
    features[DARK] = {s.sample: _dark(s, study)[:, None] for s in own}
    flat = {name: r.reshape(len(r), -1).astype(float) for name, r in ready.rings.items()}
    together = np.concatenate(list(flat.values()))
    components = PCA(study.network.latent + 1, random_state=0).fit(together)
    features[COMPONENTS] = {name: components.transform(r) for name, r in flat.items()}
    true = {s.sample: _about_missing(s, whole, study) for s in holes}
    for scan, other in zip(holes, holes[::-1], strict=True):
        for model, values in features.items():
            scores = measures.told_by(values[other.sample], true[other.sample], values[scan.sample])
            value = measures.detection(scores, true[scan.sample], study.bootstrap, seed)
            yield score(scan.sample, model, Metric.AUROC, value, scan.protocol)


def _about_missing(scan: Scan, whole: Scan, study: Stem4dStudy) -> NDArray[np.bool_]:
    """Places within the radius of a missing atom."""
    gone = missing_atoms(scan, whole)
    away = np.sqrt(((scan.places[:, None] - gone[None]) ** 2).sum(-1)).min(1)
    result: NDArray[np.bool_] = away < study.vacancy_radius
    return result


def _dark(scan: Scan, study: Stem4dStudy) -> Floats:
    """Electrons between the edge of the aperture and that of the detector."""
    y, x = (
        (np.arange(size) - size // 2) * s
        for size, s in zip(scan.patterns.shape[1:], scan.step, strict=True)
    )
    outside = np.hypot(y[:, None], x[None, :]) > 1.1 * study.microscope.aperture
    result: Floats = scan.patterns[:, outside].sum(1)
    return result
