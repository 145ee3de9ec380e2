"""Steps: what the rules of study `xrd` do with their files; no science here."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def leave_out_xrd(job: Job) -> None:
    """Leave out each value of one content in turn and read it off the planes.

    Input table (parquet), arrays (h5 beside it); output[0] predictions (parquet).

    params.config = leaf xrd; params.seed = seed; wildcards.content = titanium or zirconium.
    """
    from pathlib import Path

    from defectra.core.store import read_table, write_table
    from defectra.engines.xrd.engine import FRACTIONAL, ORDERED
    from defectra.studies.xrd.alloys import read_alloys
    from defectra.studies.xrd.learning import PREDICTIONS, leave_one_out
    from defectra.studies.xrd.requests import TABLE
    from defectra.studies.xrd.settings import XrdStudy

    study, seed = settings_of(job, XrdStudy), int(job.params.seed)
    table = Path(job.input.table)
    rows = read_table(table, TABLE)
    fractional, ordered = (read_alloys(rows, table.parent, f) for f in (FRACTIONAL, ORDERED))
    folder = Path(job.output[0]).parent / "training"
    found = leave_one_out(job.wildcards.content, fractional, ordered, study, seed, folder)
    write_table(job.output[0], found, PREDICTIONS)


def score_xrd_metrics(job: Job) -> None:
    """Errors of all models.

    Input: predictions (parquet) of each content; output[0] csv.

    params.config = leaf xrd; params.seed = seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.xrd.evaluate import metrics
    from defectra.studies.xrd.learning import PREDICTIONS
    from defectra.studies.xrd.settings import XrdStudy

    study = settings_of(job, XrdStudy)
    rows = [r for path in job.input for r in read_table(path, PREDICTIONS)]
    write_csv(job.output[0], metrics(rows, int(job.params.seed), study.bootstrap), METRICS_COLUMNS)


def look_xrd(job: Job) -> None:
    """The plane of all patterns: its points, relevance of reflections, interpolation, the model.

    Input table (parquet), arrays (h5), metrics (csv); output model (safetensors), points,
    relevance, control, interpolation (csv).

    params.config = leaf xrd; params.seed = seed.
    """
    from pathlib import Path

    import numpy as np

    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.engines.xrd.alloy import Contents
    from defectra.engines.xrd.engine import FRACTIONAL, ORDERED
    from defectra.studies.xrd import interpolation, points, relevance
    from defectra.studies.xrd.alloys import grid_of, read_alloys
    from defectra.studies.xrd.learning import autoencoder_of, taught
    from defectra.studies.xrd.requests import TABLE
    from defectra.studies.xrd.saved_models import keep
    from defectra.studies.xrd.settings import XrdStudy

    study, seed = settings_of(job, XrdStudy), int(job.params.seed)
    table, grid = Path(job.input.table), grid_of(study)
    rows = read_table(table, TABLE)
    alloys, ordered = (read_alloys(rows, table.parent, f) for f in (FRACTIONAL, ORDERED))
    own = taught(alloys, study, [seed, 2000])
    folder = Path(job.output.points).parent / "training"
    plane = autoencoder_of(own, study, seed, folder / "all")
    errors = points.errors_of(read_csv(job.input.metrics, METRICS_COLUMNS))
    keep(job.output.model, plane, own, study, errors, seed)
    found = points.point_rows(plane, own, alloys, ordered, study, seed)
    write_csv(job.output.points, found, points.COLUMNS)
    middle = Contents(float(np.median(alloys.x)), float(np.median(alloys.y)))
    width = study.patterns.width
    relevances = relevance.relevance_rows(plane, alloys, grid, width, middle, seed)
    write_csv(job.output.relevance, relevances, relevance.COLUMNS)
    check = relevance.control(plane, alloys, relevances, seed, study.permutations)
    write_csv(job.output.control, [check], relevance.CONTROL_COLUMNS)
    kept = taught(alloys.at(interpolation.known(alloys)), study, [seed, 3000])
    few = autoencoder_of(kept, study, seed, folder / "few")
    between = interpolation.interpolation_rows(few, alloys)
    write_csv(job.output.interpolation, between, interpolation.COLUMNS)


def score_xrd(job: Job) -> None:
    """Scorecard and checks.

    Input metrics, relevance, control, interpolation (csv); output scorecard, checks (csv).

    params.config = leaf xrd.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.xrd import interpolation, relevance
    from defectra.studies.xrd.checks import checks
    from defectra.studies.xrd.requests import contents
    from defectra.studies.xrd.scorecard import scorecard
    from defectra.studies.xrd.settings import XrdStudy

    study = settings_of(job, XrdStudy)
    ranges = (max(contents(study)[0]), max(contents(study)[1]))
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    relevances = read_csv(job.input.relevance, relevance.COLUMNS)
    control = read_csv(job.input.control, relevance.CONTROL_COLUMNS)
    between = read_csv(job.input.interpolation, interpolation.COLUMNS)
    write_csv(job.output.scorecard, scorecard(metrics, relevances, between), SCORECARD_COLUMNS)
    write_csv(job.output.checks, checks(metrics, relevances, control, ranges), CHECK_COLUMNS)
