"""Steps about measured gaps: what the rules of `measured.smk` do with their files."""

from __future__ import annotations

from defectra.core.step import Job, decoded


def learn_measured(job: Job) -> None:
    """The step from calculated to measured gaps: scores, and the ladder of each compound.

    Input ions (csv), compounds, runs, predictions (parquet); output ladder, metrics (csv).

    params.readings = file of the measured gaps; params.bootstrap = leaf perovskites.bootstrap;
    params.seed = seed.
    """
    import numpy as np

    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.project_files import project_file
    from defectra.core.records import METRICS_COLUMNS, Split
    from defectra.core.store import read_table
    from defectra.studies.perovskites import measured, measured_scores
    from defectra.studies.perovskites.descriptors import ions_from_rows
    from defectra.studies.perovskites.measured_like import MeasuredLike
    from defectra.studies.perovskites.measured_models import CHOSEN
    from defectra.studies.perovskites.tables import COMPOUNDS, IONS_COLUMNS, PREDICTIONS, RUNS

    every = measured.read_measured(project_file(job.params.readings))
    used = [c for c in every if not c.disputed]
    published = read_table(job.input.compounds, COMPOUNDS)
    runs = read_table(job.input.runs, RUNS)
    ions = ions_from_rows(read_csv(job.input.ions, IONS_COLUMNS))
    x = measured.features([c.shares for c in used], published, runs, ions)
    y = np.array([c.gap for c in used])
    units = measured_scores.units_of(used)
    held = {split: measured_scores.held_out(x, y, units, split) for split in units}
    seed = int(job.params.seed)
    rows = measured_scores.metric_rows(used, x[:, 0], held, decoded(job, "bootstrap"), seed)
    write_csv(job.output.metrics, rows, METRICS_COLUMNS)

    alone = held[str(Split.COMPOSITION_OUT)]
    said = zip(used, alone.mean[CHOSEN], alone.half[CHOSEN], alone.forms)
    answers = {c.formula: (float(mean), float(half), form) for c, mean, half, form in said}
    model = MeasuredLike.learn(every, published, runs, ions)
    rest = [c for c in every if c.disputed]
    if rest:
        predicted = model.of_shares([c.shares for c in rest])
        answers |= {
            c.formula: (float(gap), float(half), model.trained.name)
            for c, gap, half in zip(rest, predicted.gap, predicted.half)
        }
    learnt = measured_scores.held_HSE(read_table(job.input.predictions, PREDICTIONS))
    ladder = measured_scores.ladder(every, answers, published, runs, learnt)
    write_csv(job.output.ladder, ladder, measured_scores.LADDER_COLUMNS)


def plot_perovskite_ladder(job: Job) -> None:
    """Figure `ladder`.

    Input ladder (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites.figures.measured import plot_ladder
    from defectra.studies.perovskites.measured_scores import LADDER_COLUMNS

    plot_ladder(read_csv(job.input.ladder, LADDER_COLUMNS), job.output[0])


def plot_perovskite_coverage(job: Job) -> None:
    """Figure `coverage`.

    Input metrics of the published labels and of the measured gaps (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.perovskites.figures.measured import plot_coverage

    rows = [*read_csv(job.input.metrics, METRICS_COLUMNS)]
    rows += read_csv(job.input.measured, METRICS_COLUMNS)
    plot_coverage(rows, job.output[0])
