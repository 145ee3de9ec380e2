"""Steps: what the rules of study `nmc` do with their files; no science here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.step import Job, decoded, results_of, settings_of

if TYPE_CHECKING:
    from defectra.studies.nmc.checks import Tables


def average_sites(job: Job) -> None:
    """Site averages.

    Input structures, tasks, calculations, spectra: one file of each for a chunk.

    params.config = nmc.edges.
    """
    from defectra.spectra.site_averages import average_chunks
    from defectra.studies.nmc.settings import Grid

    def of_each_chunk(name: str) -> list[str]:
        paths = job.input[name]
        return [paths] if isinstance(paths, str) else list(paths)

    average_chunks(
        job.output[0],
        of_each_chunk("structures"),
        of_each_chunk("tasks"),
        of_each_chunk("calculations"),
        of_each_chunk("spectra"),
        {name: Grid(**grid) for name, grid in decoded(job, "config").items()},
    )


def build_training(job: Job) -> None:
    """Training table.

    Input structures, site_averages; output training, left_out (csv).

    params.config = JSON with keys geometry, protocol, edges, parsed, parsed_geometry (the nmc leaf
    has them); params.config_hash = hash of the resolved config; params.settings = the worker's.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.late_imports import late
    from defectra.studies.nmc.training import LEFT_OUT_COLUMNS, write_training

    config, more = decoded(job, "config"), {}
    if config["parsed"]:  # its code reads the runs of all engines: a parameter of the rule if used
        more = {
            "parsed": late("studies", "nmc", "parsed_join").joined(
                job.input.structures, config, job.params
            )
        }
    left_out = write_training(
        job.output.training,
        job.input.structures,
        job.input.site_averages,
        (config["geometry"], config["protocol"]),
        list(config["edges"]),
        job.params.config_hash,
        **more,
    )
    write_csv(job.output.left_out, left_out, LEFT_OUT_COLUMNS)


def evaluate(job: Job) -> None:
    """Models of the first campaign.

    Input training, geometries; output metrics (csv), predictions (parquet).

    params.config = nmc.model; params.geometry = nmc.geometry; params.seed = seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.settings import ModelSettings
    from defectra.core.store import write_table
    from defectra.learn.predictions import PREDICTIONS
    from defectra.studies.nmc.first.evaluate import evaluate
    from defectra.studies.nmc.training import read_training, read_volumes

    settings = settings_of(job, ModelSettings)
    rows = read_training(job.input.training)
    volumes = read_volumes(job.input.geometries, decoded(job, "geometry"))
    metrics, predictions = evaluate(rows, settings, int(job.params.seed), volumes)
    write_csv(job.output.metrics, metrics, METRICS_COLUMNS)
    write_table(job.output.predictions, predictions, PREDICTIONS)


def measure_lithium(job: Job) -> None:
    """Lithium series.

    Input structures, calculations, spectra; output[0] csv.

    params.config = JSON with keys lithium_series, protocol, edges (the nmc leaf has them).
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import CALCULATIONS, SPECTRA, STRUCTURES
    from defectra.core.store import read_table
    from defectra.studies.nmc.lithium import LITHIUM_COLUMNS, lithium_rows
    from defectra.studies.nmc.settings import Grid, LithiumSeries

    config = decoded(job, "config")
    rows = lithium_rows(
        read_table(job.input.structures, STRUCTURES),
        read_table(job.input.calculations, CALCULATIONS),
        read_table(job.input.spectra, SPECTRA),
        {name: Grid(**grid) for name, grid in config["edges"].items()},
        LithiumSeries(**config["lithium_series"]),
        config["protocol"],
    )
    write_csv(job.output[0], rows, LITHIUM_COLUMNS)


def score(job: Job) -> None:
    """Scorecard and checks, and the scores of both campaigns in one table.

    Input first, blocks, external (metrics, csv), lithium (csv), drift (parquet), experiment,
    energy_loss (csv, or none), relaxers, own_cells, codes, shells, images, convergence, weights
    (csv);
    output metrics, scorecard, checks (csv).
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.nmc.checks import checks
    from defectra.studies.nmc.scorecard import scorecard

    tables = _scored(job)
    claims = scorecard(tables.metrics, tables.lithium, tables.experiment)
    write_csv(job.output.metrics, tables.metrics, METRICS_COLUMNS)
    write_csv(job.output.scorecard, claims, SCORECARD_COLUMNS)
    write_csv(job.output.checks, checks(tables), CHECK_COLUMNS)


def _scored(job: Job) -> Tables:
    """What :func:`score` reads."""
    from defectra.core.csvs import read_csv
    from defectra.core.records import DRIFT, METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.nmc.blocks.convergence import COLUMNS as CONVERGENCE_COLUMNS
    from defectra.studies.nmc.blocks.core_hole import COLUMNS as CODE_COLUMNS
    from defectra.studies.nmc.blocks.images import COLUMNS as IMAGE_COLUMNS
    from defectra.studies.nmc.blocks.own_cells import COLUMNS as OWN_CELL_COLUMNS
    from defectra.studies.nmc.blocks.second_relaxer import COLUMNS as RELAXER_COLUMNS
    from defectra.studies.nmc.blocks.shells import SHELL_COLUMNS
    from defectra.studies.nmc.blocks.weights import WEIGHT_COLUMNS
    from defectra.studies.nmc.checks import Tables
    from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
    from defectra.studies.nmc.measured.electrodes import EXPERIMENT_COLUMNS
    from defectra.studies.nmc.measured.energy_loss import ENERGY_LOSS_COLUMNS

    read, losses = job.input, job.input.energy_loss
    parts = (read.blocks, read.external, read.first)
    return Tables(
        metrics=[row for path in parts for row in read_csv(path, METRICS_COLUMNS)],
        lithium=read_csv(read.lithium, LITHIUM_COLUMNS),
        drift=read_table(read.drift, DRIFT),
        experiment=[r for path in read.experiment for r in read_csv(path, EXPERIMENT_COLUMNS)],
        relaxers=read_csv(read.relaxers, RELAXER_COLUMNS),
        own_cells=read_csv(read.own_cells, OWN_CELL_COLUMNS),
        codes=read_csv(read.codes, CODE_COLUMNS),
        shells=read_csv(read.shells, SHELL_COLUMNS),
        images=read_csv(read.images, IMAGE_COLUMNS),
        energy_loss=[r for path in losses for r in read_csv(path, ENERGY_LOSS_COLUMNS)],
        convergence=read_csv(read.convergence, CONVERGENCE_COLUMNS),
        weights=read_csv(read.weights, WEIGHT_COLUMNS),
    )


def calculate(job: Job) -> None:
    """Complete one chunk of the plan and project it.

    Input structures, tasks, archived (a digest).

    Output geometries, calculations, spectra. params.settings = JSON of the worker's settings;
    params.archive = folder, as JSON. The journal, results/store/<chunk>.journal, is nobody's
    output.
    """
    from pathlib import Path

    from defectra.campaign.worker import PATIENCE_S
    from defectra.core.limits import with_limits
    from defectra.core.project_files import archive_folder
    from defectra.core.scratch import use_node_scratch
    from defectra.studies.nmc.chunk import run_chunk
    from defectra.studies.nmc.requests import Settings

    use_node_scratch()
    counts = run_chunk(
        Path(job.input.tasks).parent,
        Settings.model_validate(with_limits(decoded(job, "settings"), results_of(job))),
        results_of(job) / "store" / f"{job.wildcards.chunk}.journal",
        archive_folder(job.params.archive),
        Path(job.output.calculations).parent,
        PATIENCE_S,
    )
    print(counts)


def drift(job: Job) -> None:
    """Drift of the engine.

    Output drift (parquet).

    params.settings = JSON of the worker's settings; params.number; params.seed; params.archive =
    folder, as JSON.
    """
    from defectra.campaign.drift import check
    from defectra.core.limits import with_limits
    from defectra.core.project_files import archive_folder
    from defectra.core.records import DRIFT
    from defectra.core.scratch import use_node_scratch
    from defectra.core.store import Archive, write_table
    from defectra.studies.nmc.requests import Settings

    use_node_scratch()
    known = with_limits(decoded(job, "settings"), results_of(job))
    settings = Settings.model_validate(known)
    rows = check(
        Archive(archive_folder(job.params.archive)),
        settings.protocols,
        int(job.params.number),
        int(job.params.seed),
    )
    write_table(job.output[0], rows, DRIFT)
