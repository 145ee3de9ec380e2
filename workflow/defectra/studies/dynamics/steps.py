"""Steps of study `dynamics`: what its rules run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from defectra.core.step import Job, settings_of


def fit_kuramoto(job: Job) -> None:
    """Kernels, their scores, and the mean kernel (npz); see :func:`_fit`."""
    from defectra.core.store import read_table
    from defectra.studies.dynamics.learn_kuramoto import learn, mean_kernel
    from defectra.studies.dynamics.rows import FITS
    from defectra.studies.dynamics.settings import DynamicsStudy

    _fit(job, "kuramoto", learn)
    study = settings_of(job, DynamicsStudy)
    mean_kernel(read_table(job.output.fits, FITS), study).write(job.output.model)


def fit_swarm(job: Job) -> None:
    """Laws between pairs, their scores, and the mean law (npz); see :func:`_fit`."""
    from defectra.core.store import read_table
    from defectra.studies.dynamics.learn_swarm import learn, mean_law
    from defectra.studies.dynamics.rows import FITS
    from defectra.studies.dynamics.settings import DynamicsStudy

    _fit(job, "swarm", learn)
    study = settings_of(job, DynamicsStudy)
    mean_law(read_table(job.output.fits, FITS), study).write(job.output.model)


def fit_source(job: Job) -> None:
    """Laws of the fluctuating source, their scores, and the mean law (npz); see :func:`_fit`."""
    _fit_plane(job, "source")


def fit_scan(job: Job) -> None:
    """Laws of the path of the probe, their scores, and the mean law (npz); see :func:`_fit`."""
    _fit_plane(job, "scan")


def _fit_plane(job: Job, name: str) -> None:
    from functools import partial

    from defectra.core.store import read_table
    from defectra.studies.dynamics.learn_plane import field_of, learn
    from defectra.studies.dynamics.rows import FITS
    from defectra.studies.dynamics.settings import DynamicsStudy

    _fit(job, name, partial(learn, name))
    study = settings_of(job, DynamicsStudy)
    field_of(name, read_table(job.output.fits, FITS), study).write(job.output.model)


def _fit(job: Job, name: str, learn: Callable[..., tuple[list[Any], list[Any]]]) -> None:
    """Input series (parquet, its arrays beside it); output fits (parquet), metrics (csv).

    params.config = leaf dynamics; params.seed = seed. Checkpoints lie beside the fits until all of
    a system are done.
    """
    import shutil
    from pathlib import Path

    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import write_table
    from defectra.learn.torch_library import need_torch
    from defectra.studies.dynamics.rows import FITS
    from defectra.studies.dynamics.series import read_series
    from defectra.studies.dynamics.settings import DynamicsStudy

    need_torch()
    study = settings_of(job, DynamicsStudy)
    keep = Path(job.output.fits).parent / "checkpoints" / name
    found = list(read_series(job.input.series, name))
    fits, scores = learn(found, study, int(job.params.seed), keep)
    write_table(job.output.fits, fits, FITS)
    write_csv(job.output.metrics, scores, METRICS_COLUMNS)
    shutil.rmtree(keep, ignore_errors=True)


def score_dynamics(job: Job) -> None:
    """Scorecard and checks.

    Input metrics (csv); output scorecard, checks (csv).

    params.config = leaf dynamics.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.dynamics.claims import checks, scorecard
    from defectra.studies.dynamics.settings import DynamicsStudy

    study = settings_of(job, DynamicsStudy)
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    write_csv(job.output.scorecard, scorecard(metrics, study), SCORECARD_COLUMNS)
    write_csv(job.output.checks, checks(metrics, study), CHECK_COLUMNS)
