"""Steps: what the rules of study `speckle` do with their files; no science here."""

from __future__ import annotations

from typing import Any

from defectra.core.step import Job, settings_of


def learn_speckle(job: Job) -> None:
    """Train all models of one kind of disks and ask them all test sets.

    Input table (parquet), arrays (h5 beside it); output predictions (parquet), history (csv),
    network, photons, image (safetensors).

    params.config = leaf speckle; params.seed = seed; wildcards.kind = equal or unequal.
    """
    from pathlib import Path

    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table, write_table
    from defectra.studies.speckle.described import read_set
    from defectra.studies.speckle.learning import HISTORY_COLUMNS, PREDICTIONS, Learning
    from defectra.studies.speckle.models import IMAGE, NETWORK, PHOTONS
    from defectra.studies.speckle.requests import PATTERNS_TABLE
    from defectra.studies.speckle.saved_models import keep
    from defectra.studies.speckle.settings import SpeckleStudy

    study, seed = settings_of(job, SpeckleStudy), int(job.params.seed)
    kind, table = job.wildcards.kind, Path(job.input.table)
    rows = read_table(table, PATTERNS_TABLE)
    names = sorted({r["set"] for r in rows if r["set"].startswith(f"{kind} ")})
    sets = {name: read_set(rows, name, table.parent) for name in names}
    folder = Path(job.output.predictions).parent / "training" / kind
    found = Learning(kind, study, seed, sets, folder).run()
    write_table(job.output.predictions, found.predictions, PREDICTIONS)
    write_csv(job.output.history, found.history, HISTORY_COLUMNS)
    files = {NETWORK: job.output.network, PHOTONS: job.output.photons, IMAGE: job.output.image}
    for name, path in files.items():
        keep(path, found.networks[name], kind, study, seed)


def compare_speckle(job: Job) -> None:
    """First moments, fidelities, and what the networks say of the authors' patterns.

    Input table (parquet), arrays (h5), networks (safetensors), moments, each (csv of the authors),
    patterns (mat); the last three may be missing. Output moments, fidelity, answers (csv),
    profiles (npz).

    params.config = leaf speckle; params.mirror = folder of the published data, or None.
    """
    from pathlib import Path

    import numpy as np

    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.store import read_table
    from defectra.studies.speckle import published
    from defectra.studies.speckle.fidelity import FIDELITY_COLUMNS, fidelity_rows, read_rings
    from defectra.studies.speckle.requests import RINGS_TABLE
    from defectra.studies.speckle.saved_models import read
    from defectra.studies.speckle.settings import SpeckleStudy

    study, table = settings_of(job, SpeckleStudy), Path(job.input.table)
    rings = read_rings(read_table(table, RINGS_TABLE), table.parent)
    theirs, answers = {}, []
    ours = rings.analytic_profiles()
    if job.params.mirror:
        mirror = Path(job.params.mirror)
        files = {k: located(job.input[k], mirror) for k in ("moments", "each", "patterns")}
        theirs = published.published_moments(files["moments"][0], files["each"][0])
        networks = [read(path) for path in job.input.networks]
        answers = list(published.answer_rows(files["patterns"], networks, ours, study))
    else:
        print("no mirror of the published data: nothing is compared with the authors' files")
    moments = published.moment_rows(rings.moments(), theirs)
    write_csv(job.output.moments, moments, published.MOMENT_COLUMNS)
    write_csv(job.output.fidelity, fidelity_rows(rings), FIDELITY_COLUMNS)
    write_csv(job.output.answers, answers, published.ANSWER_COLUMNS)
    means = {f"disks_{n}": np.stack([p.mean(0), c.mean(0)]) for n, (p, c) in ours.items()}
    write_profiles(job.output.profiles, means)


def write_profiles(path: str, means: dict[str, Any]) -> None:
    """Mean ring profiles and contrasts by number of disks, shape (2, rings) each."""
    import io

    import numpy as np

    from defectra.core.store import write_bytes

    handle = io.BytesIO()
    np.savez(handle, allow_pickle=False, **means)
    write_bytes(path, handle.getvalue())


def look_speckle(job: Job) -> None:
    """Saliency of the networks of one kind of disks.

    Input table (parquet), arrays (h5), network, image (safetensors); output rings, blocks (csv).

    wildcards.kind = equal or unequal.
    """
    from pathlib import Path

    import numpy as np

    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table
    from defectra.studies.speckle import saliency
    from defectra.studies.speckle.described import read_set
    from defectra.studies.speckle.requests import PATTERNS_TABLE
    from defectra.studies.speckle.samples import TEST, set_name
    from defectra.studies.speckle.saved_models import read

    table = Path(job.input.table)
    asked = read_set(
        read_table(table, PATTERNS_TABLE), set_name(job.wildcards.kind, TEST), table.parent
    )
    some, rings, blocks = asked.first(saliency.EACH), [], []
    for path in (job.input.network, job.input.image):
        model = read(path)
        rings += saliency.ring_saliency(model, some)
        for number in sorted(set(saliency.SHOWN) & set(map(int, asked.number))):
            one = asked.at(np.flatnonzero(asked.number == number)[:1])
            blocks += saliency.block_saliency(model, one, model.study.detector.step)
    write_csv(job.output.rings, rings, saliency.RING_COLUMNS)
    write_csv(job.output.blocks, blocks, saliency.BLOCK_COLUMNS)


def score_speckle(job: Job) -> None:
    """Metrics, confusion, scorecard and checks.

    Input predictions (parquet), history (csv) of each kind, moments, fidelity, answers (csv);
    output metrics, confusion, scorecard, checks (csv).

    params.config = leaf speckle; params.seed = seed.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.speckle import evaluate, published
    from defectra.studies.speckle.checks import checks
    from defectra.studies.speckle.fidelity import FIDELITY_COLUMNS
    from defectra.studies.speckle.learning import HISTORY_COLUMNS, PREDICTIONS
    from defectra.studies.speckle.samples import numbers
    from defectra.studies.speckle.scorecard import scorecard
    from defectra.studies.speckle.settings import SpeckleStudy

    study, seed = settings_of(job, SpeckleStudy), int(job.params.seed)
    rows = [r for path in job.input.predictions for r in read_table(path, PREDICTIONS)]
    history = [r for path in job.input.history for r in read_csv(path, HISTORY_COLUMNS)]
    classes = len(numbers(study))
    asked = (rows, classes, seed, study.bootstrap)
    metrics = [*evaluate.metrics(*asked), *evaluate.over_plain(*asked)]
    write_csv(job.output.metrics, metrics, METRICS_COLUMNS)
    write_csv(job.output.confusion, evaluate.confusion(rows), evaluate.CONFUSION_COLUMNS)
    moments = read_csv(job.input.moments, published.MOMENT_COLUMNS)
    fidelity = read_csv(job.input.fidelity, FIDELITY_COLUMNS)
    answers = read_csv(job.input.answers, published.ANSWER_COLUMNS)
    write_csv(job.output.scorecard, scorecard(moments, metrics), SCORECARD_COLUMNS)
    found = checks(metrics, fidelity, answers, history, moments, classes)
    write_csv(job.output.checks, found, CHECK_COLUMNS)
