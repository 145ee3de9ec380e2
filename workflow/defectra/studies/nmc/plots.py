"""Figure steps of study `nmc`: tables in, one picture out."""

from __future__ import annotations

from defectra.core.step import Job, decoded


def plot_edges(job: Job) -> None:
    """Single edge against all.

    Input metrics (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.nmc.figures.models import plot_edges

    plot_edges(read_csv(job.input.metrics, METRICS_COLUMNS), job.output[0])


def plot_failures(job: Job) -> None:
    """What failed and why.

    Input calculations; no params.
    """
    from defectra.core.records import CALCULATIONS
    from defectra.core.store import read_table
    from defectra.studies.nmc.figures.failures import plot_failures

    plot_failures(read_table(job.input.calculations, CALCULATIONS), job.output[0])


def plot_ladder(job: Job) -> None:
    """Comparison of fidelities.

    Input site_averages; params.config = JSON geometry, protocol, ladder.
    """
    from defectra.core.records import SITE_AVERAGES
    from defectra.core.store import read_table
    from defectra.studies.nmc.figures.fidelities import plot_ladder

    config = decoded(job, "config")
    plot_ladder(
        read_table(job.input.site_averages, SITE_AVERAGES),
        config["geometry"],
        config["protocol"],
        config["ladder"],
        job.output[0],
    )


def plot_lithium(job: Job) -> None:
    """Lithium figure.

    Input structures, site_averages, lithium (csv).

    params.config = JSON with keys lithium_series, protocol (the nmc leaf has them).
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import SITE_AVERAGES, STRUCTURES
    from defectra.core.store import read_table
    from defectra.studies.nmc.figures.lithium import plot_lithium
    from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
    from defectra.studies.nmc.settings import LithiumSeries

    config = decoded(job, "config")
    plot_lithium(
        read_table(job.input.structures, STRUCTURES),
        read_table(job.input.site_averages, SITE_AVERAGES),
        read_csv(job.input.lithium, LITHIUM_COLUMNS),
        LithiumSeries(**config["lithium_series"]),
        config["protocol"],
        job.output[0],
    )


def plot_parity(job: Job) -> None:
    """Parity figure.

    Input predictions (parquet); no params.
    """
    from defectra.core.store import read_table
    from defectra.learn.predictions import PREDICTIONS
    from defectra.studies.nmc.figures.models import plot_parity

    plot_parity(read_table(job.input.predictions, PREDICTIONS), job.output[0])


def plot_spectra(job: Job) -> None:
    """Spectra figure.

    Input structures, site_averages.

    params.config = JSON with keys geometry, protocol, edges (the nmc leaf has them).
    """
    from defectra.core.records import SITE_AVERAGES, STRUCTURES
    from defectra.core.store import read_table
    from defectra.studies.nmc.figures.models import plot_spectra
    from defectra.studies.nmc.training import select

    config = decoded(job, "config")
    averages = read_table(job.input.site_averages, SITE_AVERAGES)
    plot_spectra(
        read_table(job.input.structures, STRUCTURES),
        select(averages, config["geometry"], config["protocol"]),
        list(config["edges"]),
        job.output[0],
    )
