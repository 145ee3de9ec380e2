"""Steps: what the rules of study `plots` do with their files; no science here."""

from __future__ import annotations

from typing import Any

from defectra.core.step import Job, decoded, settings_of


def read_plots(job: Job) -> None:
    """Read the plots of one part back from their pictures.

    Input pictures (parquet), arrays (h5 beside it); output[0] readings (parquet).

    params.parts = number of parts; wildcard part = which of them, from 0.
    """
    from pathlib import Path

    from defectra.core.arrays import ArrayReader
    from defectra.core.store import read_table, table_writer
    from defectra.studies.plots import reading
    from defectra.studies.plots.requests import TABLE

    rows = [row for row in read_table(job.input.pictures, TABLE) if row["arrays"]]
    rows = rows[int(job.wildcards.part) :: int(job.params.parts)]
    with (
        ArrayReader(Path(job.input.pictures).parent) as arrays,
        table_writer(job.output[0], reading.READINGS) as add,
    ):
        for row in rows:
            add(reading.read_plots(row, arrays.of(row)))


def read_plots_example(job: Job) -> None:
    """Compare the example of the authors with what a person reads from it.

    Input picture (png) or none; output compared, lines (csv), empty without a picture.

    params.mirror = folder of published data; params.clicked = file of the project.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.project_files import project_file
    from defectra.images.digitise.picture import read_picture
    from defectra.studies.plots import example

    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for path in located(job.input.picture, job.params.mirror):
        person = example.clicked(project_file(job.params.clicked))
        rows, lines = example.compared(read_picture(path), person)
    write_csv(job.output.compared, rows, example.COLUMNS)
    write_csv(job.output.lines, lines, example.LINE_COLUMNS)


def score_plots(job: Job) -> None:
    """Scores, scorecard and checks.

    Input readings (parquet) of all parts, example (csv); output metrics, scorecard, checks (csv).

    params.config = leaf plots; params.seed = seed.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.plots import example
    from defectra.studies.plots.reading import READINGS
    from defectra.studies.plots.scorecard import checks, scorecard
    from defectra.studies.plots.scores import metrics
    from defectra.studies.plots.settings import PlotsStudy

    settings, seed = settings_of(job, PlotsStudy), decoded(job, "seed")
    read = [row for path in job.input.readings for row in read_table(path, READINGS)]
    rows = list(metrics(read, settings, seed))
    write_csv(job.output.metrics, rows, METRICS_COLUMNS)
    write_csv(job.output.scorecard, scorecard(rows), SCORECARD_COLUMNS)
    own = read_csv(job.input.example, example.COLUMNS)
    write_csv(job.output.checks, checks(rows, own, settings.found_px), CHECK_COLUMNS)


def plot_plots_recall(job: Job) -> None:
    """Figure: share of lines found by the number of lines.

    Input metrics (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.plots.figures.recall import plot_recall

    plot_recall(read_csv(job.input.metrics, METRICS_COLUMNS), job.output[0])


def plot_plots_examples(job: Job) -> None:
    """Figure: pictures with what was read drawn over them.

    Input pictures (parquet), arrays (h5 beside it); output[0] png.
    """
    from pathlib import Path

    from defectra.core.arrays import ArrayReader
    from defectra.core.store import read_table
    from defectra.studies.plots.figures.examples import plot_examples
    from defectra.studies.plots.requests import TABLE

    rows = [row for row in read_table(job.input.pictures, TABLE) if row["arrays"]]
    with ArrayReader(Path(job.input.pictures).parent) as arrays:
        shown: dict[tuple[str, int], dict[str, Any]] = {}
        for row in rows:
            shown.setdefault((row["rule"], row["lines"]), row)
        images = [(f"{rule}, {n} lines", arrays.of(row)) for (rule, n), row in shown.items()]
        plot_examples([(title, a["image"][0], a["line"][0]) for title, a in images], job.output[0])


def plot_plots_example(job: Job) -> None:
    """Figure: the example of the authors with what was read and what a person clicked.

    Input picture (png) or none, compared, lines (csv); output[0] png.

    params.mirror = folder of published data.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.datasets import located
    from defectra.images.digitise.picture import read_picture
    from defectra.studies.plots import example
    from defectra.studies.plots.figures.example import plot_example

    images = [read_picture(p).rgb for p in located(job.input.picture, job.params.mirror)]
    rows = read_csv(job.input.compared, example.COLUMNS)
    lines = read_csv(job.input.lines, example.LINE_COLUMNS)
    plot_example(rows, lines, images[0] if images else None, job.output[0])
