"""Figure step of study `dynamics`: tables in, pictures out."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def plot_dynamics(job: Job) -> None:
    """All figures.

    Input series (parquet, its arrays beside it), fits (parquet of each system), metrics (csv);
    output patterns, laws, counts (png).

    params.config = leaf dynamics.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.dynamics.figures.counts import plot_counts
    from defectra.studies.dynamics.figures.laws import plot_laws
    from defectra.studies.dynamics.figures.patterns import plot_patterns
    from defectra.studies.dynamics.rows import FITS
    from defectra.studies.dynamics.series import SYSTEMS, read_series
    from defectra.studies.dynamics.settings import DynamicsStudy

    study = settings_of(job, DynamicsStudy)
    shown = {}
    for name in SYSTEMS:
        found = dict(read_series(job.input.series, name))
        shown[name] = found.get(study.main, next(iter(found.values())))[0]
    fits = [row for path in job.input.fits for row in read_table(path, FITS)]
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    plot_patterns(shown, study, job.output.patterns)
    plot_laws(fits, study, job.output.laws)
    plot_counts(metrics, study, job.output.counts)
