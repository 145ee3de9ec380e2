"""Figure steps of study `hbn`: tables in, one picture out."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def plot_ladder(job: Job) -> None:
    """Candidates beside the measured line.

    Input ladder (csv); output[0] png.

    params.config = leaf hbn.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.hbn.figures.candidates import plot_ladder
    from defectra.studies.hbn.ladder import LADDER_COLUMNS
    from defectra.studies.hbn.settings import HbnStudy

    settings = settings_of(job, HbnStudy)
    plot_ladder(read_csv(job.input.ladder, LADDER_COLUMNS), settings.line, job.output[0])


def plot_sidebands(job: Job) -> None:
    """Emission of the relaxed candidates.

    Input sidebands (parquet); output[0] png.

    params.config = leaf hbn.
    """
    from defectra.core.store import read_table
    from defectra.studies.hbn.figures.candidates import plot_sidebands
    from defectra.studies.hbn.settings import HbnStudy
    from defectra.studies.hbn.sidebands import SIDEBANDS

    settings = settings_of(job, HbnStudy)
    plot_sidebands(read_table(job.input.sidebands, SIDEBANDS), settings.line, job.output[0])


def plot_lines(job: Job) -> None:
    """Centres and widths of fitted lines.

    Input lines (csv); output[0] png.

    params.config = leaf hbn.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.hbn.figures.lines import plot_lines
    from defectra.studies.hbn.lines import LINE_COLUMNS
    from defectra.studies.hbn.settings import HbnStudy

    settings = settings_of(job, HbnStudy)
    plot_lines(read_csv(job.input.lines, LINE_COLUMNS), settings.line, job.output[0])
