"""Figure steps of study `speckle`: tables in, pictures out."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def plot_speckle_patterns(job: Job) -> None:
    """Figures of the patterns.

    Input table (parquet), arrays (h5), moments (csv), profiles (npz), patterns (mat of the
    authors, may be missing); output patterns, moments, profiles (png).

    params.config = leaf speckle.
    """
    from pathlib import Path

    import numpy as np

    from defectra.core.csvs import read_csv
    from defectra.core.store import read_table
    from defectra.engines.speckle.rings import rings_of
    from defectra.images.measured import read_image
    from defectra.studies.speckle.figures import patterns as figures
    from defectra.studies.speckle.figures.examples import examples
    from defectra.studies.speckle.published import MOMENT_COLUMNS, disks_of
    from defectra.studies.speckle.requests import PATTERNS_TABLE
    from defectra.studies.speckle.scorecard import TOLERANCE
    from defectra.studies.speckle.settings import SpeckleStudy

    study, table = settings_of(job, SpeckleStudy), Path(job.input.table)
    files = [Path(p) for p in job.input.patterns]
    theirs = {disks_of(p): read_image(p).values for p in files}
    shown = examples(read_table(table, PATTERNS_TABLE), table.parent, theirs)
    figures.plot_patterns(shown, study.detector.half, job.output.patterns)
    moments = read_csv(job.input.moments, MOMENT_COLUMNS)
    figures.plot_moments(moments, TOLERANCE, job.output.moments)
    with np.load(job.input.profiles, allow_pickle=False) as kept:
        ours = {int(name.removeprefix("disks_")): kept[name] for name in kept.files}
    rings = {n: rings_of(values) for n, values in theirs.items()}
    figures.plot_profiles(ours, rings, job.output.profiles)


def plot_speckle_models(job: Job) -> None:
    """Figures of the models.

    Input metrics, confusion, rings, blocks (csv); output accuracy, confusion, photons, saliency
    (png).
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.speckle.evaluate import CONFUSION_COLUMNS
    from defectra.studies.speckle.figures import models as figures
    from defectra.studies.speckle.saliency import BLOCK_COLUMNS, RING_COLUMNS

    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    figures.plot_accuracy(metrics, job.output.accuracy)
    figures.plot_confusion(read_csv(job.input.confusion, CONFUSION_COLUMNS), job.output.confusion)
    figures.plot_photons(metrics, job.output.photons)
    rings = [r for path in job.input.rings for r in read_csv(path, RING_COLUMNS)]
    blocks = [r for path in job.input.blocks for r in read_csv(path, BLOCK_COLUMNS)]
    figures.plot_saliency(rings, blocks, job.output.saliency)
