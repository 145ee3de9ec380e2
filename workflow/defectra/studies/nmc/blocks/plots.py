"""Figure steps of the campaign by blocks: tables in, one picture out."""

from __future__ import annotations

from defectra.core.step import Job
from defectra.spectra.grid import grids_of


def plot_differences(job: Job) -> None:
    """Difference spectra by arm.

    Input rows (parquet); params.grids = nmc.edges.
    """
    from defectra.studies.nmc.blocks.tables import read_block_rows
    from defectra.studies.nmc.figures.blocks import plot_differences

    grids = grids_of(job)
    plot_differences(read_block_rows(job.input.rows), grids, job.output[0])


def plot_parity(job: Job) -> None:
    """Contents of the blocks.

    Input predictions, rows (parquet), metrics (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.learn.predictions import PREDICTIONS
    from defectra.studies.nmc.blocks.tables import read_block_rows
    from defectra.studies.nmc.figures.blocks import plot_parity

    predictions = read_table(job.input.predictions, PREDICTIONS)
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    plot_parity(predictions, read_block_rows(job.input.rows), metrics, job.output[0])


def plot_gains(job: Job) -> None:
    """Defects: edges, controls, gains; what converged potentials change.

    Input metrics, convergence (csv); output gains, convergence; no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.nmc.blocks.convergence import COLUMNS
    from defectra.studies.nmc.figures.convergence import plot_convergence
    from defectra.studies.nmc.figures.gains import plot_gains

    plot_gains(read_csv(job.input.metrics, METRICS_COLUMNS), job.output.gains)
    plot_convergence(read_csv(job.input.convergence, COLUMNS), job.output.convergence)


def plot_curves(job: Job) -> None:
    """Jitter, noise, learning curves.

    Input curves, learning (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.nmc.blocks.curves import CURVE_COLUMNS, LEARNING_COLUMNS
    from defectra.studies.nmc.figures.curves import plot_curves

    curves = read_csv(job.input.curves, CURVE_COLUMNS)
    plot_curves(curves, read_csv(job.input.learning, LEARNING_COLUMNS), job.output[0])


def plot_weights(job: Job) -> None:
    """Weights over energy.

    Input weights (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.nmc.blocks.weights import WEIGHT_COLUMNS
    from defectra.studies.nmc.figures.blocks import plot_weights

    plot_weights(read_csv(job.input.weights, WEIGHT_COLUMNS), job.output[0])


def plot_shells(job: Job) -> None:
    """Change of sites over their distance from the defect.

    Input sites, shells (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.nmc.blocks.shells import SHELL_COLUMNS, SITE_COLUMNS
    from defectra.studies.nmc.figures.shells import plot_shells

    sites = read_csv(job.input.sites, SITE_COLUMNS)
    plot_shells(sites, read_csv(job.input.shells, SHELL_COLUMNS), job.output[0])


def plot_campaign(job: Job) -> None:
    """Coverage, CPU time and status of the blocks.

    Input campaign (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.nmc.blocks.statistics import CAMPAIGN_COLUMNS
    from defectra.studies.nmc.figures.campaign import plot_campaign

    plot_campaign(read_csv(job.input.campaign, CAMPAIGN_COLUMNS), job.output[0])


def plot_strata(job: Job) -> None:
    """Detection by the neighbours of a defect.

    Input strata (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.nmc.blocks.strata import STRATA_COLUMNS
    from defectra.studies.nmc.figures.strata import plot_strata

    plot_strata(read_csv(job.input.strata, STRATA_COLUMNS), job.output[0])


def plot_experiment(job: Job) -> None:
    """Measured electrodes and the measured energy loss.

    Input experiment, energy_loss, curves (csv); output electrodes, energy_loss (png); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.nmc.figures.energy_loss import plot_energy_loss
    from defectra.studies.nmc.figures.experiment import plot_experiment
    from defectra.studies.nmc.measured.electrodes import EXPERIMENT_COLUMNS
    from defectra.studies.nmc.measured.energy_loss import ENERGY_LOSS_COLUMNS
    from defectra.studies.nmc.measured.energy_loss_shape import CURVE_COLUMNS

    plot_experiment(read_csv(job.input.experiment, EXPERIMENT_COLUMNS), job.output.electrodes)
    contents = read_csv(job.input.energy_loss, ENERGY_LOSS_COLUMNS)
    plot_energy_loss(contents, read_csv(job.input.curves, CURVE_COLUMNS), job.output.energy_loss)
