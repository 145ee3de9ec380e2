"""Figure steps of study `xrd`: tables in, pictures out."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def plot_xrd(job: Job) -> None:
    """All figures of the study.

    Input table (parquet), arrays (h5), predictions (parquet of each content), metrics, points,
    relevance, interpolation (csv); output patterns, plane, contents, relevance, interpolation
    (png).

    params.config = leaf xrd; params.seed = seed.
    """
    from pathlib import Path

    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.engines.xrd.engine import FRACTIONAL, ORDERED
    from defectra.studies.xrd import interpolation, points, relevance
    from defectra.studies.xrd.alloys import read_alloys
    from defectra.studies.xrd.figures import contents, patterns
    from defectra.studies.xrd.learning import PREDICTIONS
    from defectra.studies.xrd.requests import TABLE
    from defectra.studies.xrd.settings import XrdStudy

    study, table = settings_of(job, XrdStudy), Path(job.input.table)
    rows = read_table(table, TABLE)
    both = [read_alloys(rows, table.parent, form) for form in (FRACTIONAL, ORDERED)]
    patterns.plot_patterns(*both, study, int(job.params.seed), job.output.patterns)
    relevances = read_csv(job.input.relevance, relevance.COLUMNS)
    patterns.plot_relevance(relevances, both[0], study, job.output.relevance)
    contents.plot_plane(read_csv(job.input.points, points.COLUMNS), job.output.plane)
    asked = [r for path in job.input.predictions for r in read_table(path, PREDICTIONS)]
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    contents.plot_contents(asked, metrics, job.output.contents)
    between = read_csv(job.input.interpolation, interpolation.COLUMNS)
    contents.plot_interpolation(between, job.output.interpolation)
