"""Steps of the campaign by blocks: what its rules do with their files; no science here."""

from __future__ import annotations

from defectra.core.step import Job, decoded, settings_of
from defectra.spectra.grid import grids_of


def read_blocks(job: Job) -> None:
    """Whole blocks of the archive as tables.

    Output rows, converged, calculations, geometries (parquet), missing, campaign (csv).

    params.design = JSON (:func:`defectra.studies.nmc.blocks.tables.block_design`); params.grids =
    nmc.edges; params.archive = parts of the archive of blocks
    (:func:`defectra.core.project_files.archive_parts`).
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.core.records import CALCULATIONS, GEOMETRIES
    from defectra.core.store import write_table
    from defectra.studies.nmc.blocks.statistics import CAMPAIGN_COLUMNS, campaign
    from defectra.studies.nmc.blocks.tables import (
        MISSING_COLUMNS,
        block_rows_table,
        edges_of_design,
        read_blocks,
    )

    grids = grids_of(job)
    found = read_blocks(job.params.design, archive_folder(job.params.archive), grids)
    table = block_rows_table(edges_of_design(job.params.design))
    write_table(job.output.rows, found.rows, table)
    write_table(job.output.converged, found.converged, table)
    write_table(job.output.calculations, found.calculations, CALCULATIONS)
    write_table(job.output.geometries, found.geometries, GEOMETRIES)
    write_csv(job.output.missing, found.missing, MISSING_COLUMNS)
    write_csv(job.output.campaign, campaign(found.planned, found.runs), CAMPAIGN_COLUMNS)


def evaluate_blocks(job: Job) -> None:
    """Models of the blocks.

    Input rows (parquet); output metrics, curves, learning, halves, strata (csv), predictions
    (parquet).

    params.grids = nmc.edges; params.config = folds, repeats, bootstrap of nmc.model;
    params.planned = nmc.blocks.count; params.seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.settings import ModelSettings
    from defectra.core.store import write_table
    from defectra.learn.predictions import PREDICTIONS
    from defectra.studies.nmc.blocks.curves import CURVE_COLUMNS, LEARNING_COLUMNS
    from defectra.studies.nmc.blocks.evaluate import HALVES_COLUMNS, evaluate_blocks
    from defectra.studies.nmc.blocks.strata import STRATA_COLUMNS
    from defectra.studies.nmc.blocks.tables import edges_in, read_block_rows

    grids = grids_of(job)
    settings, seed = settings_of(job, ModelSettings), int(job.params.seed)
    rows, planned = read_block_rows(job.input.rows), int(job.params.planned)
    found = evaluate_blocks(rows, grids, edges_in(rows), settings, seed, planned)
    write_csv(job.output.metrics, found.metrics, METRICS_COLUMNS)
    write_csv(job.output.curves, found.curves, CURVE_COLUMNS)
    write_csv(job.output.learning, found.learning, LEARNING_COLUMNS)
    write_csv(job.output.halves, found.halves, HALVES_COLUMNS)
    write_csv(job.output.strata, found.strata, STRATA_COLUMNS)
    write_table(job.output.predictions, found.predictions, PREDICTIONS)


def compare_converged(job: Job) -> None:
    """What converged potentials change, in spectra and for the models.

    Input rows, converged (parquet); output (csv).

    params.design = JSON (:func:`defectra.studies.nmc.blocks.tables.block_design`); params.archive =
    parts of the archive of blocks; params.grids = nmc.edges; params.seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.studies.nmc.blocks.convergence import COLUMNS, compare_archived
    from defectra.studies.nmc.blocks.tables import read_block_rows

    grids = grids_of(job)
    rows, converged = read_block_rows(job.input.rows), read_block_rows(job.input.converged)
    archive, seed = archive_folder(job.params.archive), int(job.params.seed)
    compared = compare_archived(job.params.design, rows, converged, archive, grids, seed)
    write_csv(job.output[0], compared, COLUMNS)


def evaluate_external(job: Job) -> None:
    """Models of the blocks asked about the structures of the first campaign.

    Input rows, training, geometries (parquet); output metrics (csv), predictions (parquet).

    params.grids = nmc.edges; params.config = folds, repeats, bootstrap of nmc.model;
    params.geometry = nmc.geometry; params.seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.settings import ModelSettings
    from defectra.core.store import write_table
    from defectra.learn.predictions import PREDICTIONS
    from defectra.studies.nmc.blocks.tables import edges_in, read_block_rows
    from defectra.studies.nmc.first.external import evaluate_first
    from defectra.studies.nmc.training import read_training, read_volumes

    grids = grids_of(job)
    settings = settings_of(job, ModelSettings)
    rows, first = read_block_rows(job.input.rows), read_training(job.input.training)
    volumes = read_volumes(job.input.geometries, decoded(job, "geometry"))
    seed = int(job.params.seed)
    found = evaluate_first(rows, first, grids, edges_in(rows), settings, seed, volumes)
    write_csv(job.output.metrics, found[0], METRICS_COLUMNS)
    write_table(job.output.predictions, found[1], PREDICTIONS)


def compare_relaxers(job: Job) -> None:
    """Blocks in cells of a second potential.

    Input rows, second (parquet); output (csv).

    params.archive = parts of the archive of the second potential; params.grids = nmc.edges;
    params.seed = seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.core.records import GEOMETRIES
    from defectra.core.store import Archive
    from defectra.studies.nmc.blocks.second_relaxer import COLUMNS, FREE_CELLS, compare
    from defectra.studies.nmc.blocks.tables import read_block_rows

    grids = grids_of(job)
    store = Archive(archive_folder(job.params.archive))
    cells = [r for r in store.read(GEOMETRIES) if r["protocol"] in FREE_CELLS]
    rows = [read_block_rows(path) for path in (job.input.rows, job.input.second)]
    found = compare(rows[0], rows[1], cells, grids, int(job.params.seed))
    write_csv(job.output[0], found, COLUMNS)


def compare_own_cells(job: Job) -> None:
    """Vacancies whose cells are relaxed.

    Input rows, own, geometries (parquet); output (csv).

    params.grids = nmc.edges; params.seed = seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import GEOMETRIES
    from defectra.core.store import read_table
    from defectra.studies.nmc.blocks.own_cells import COLUMNS, compare
    from defectra.studies.nmc.blocks.tables import read_block_rows

    grids = grids_of(job)
    rows, own = (read_block_rows(path) for path in (job.input.rows, job.input.own))
    cells = read_table(job.input.geometries, GEOMETRIES)
    write_csv(job.output[0], compare(rows, own, cells, grids, int(job.params.seed)), COLUMNS)


def compare_codes(job: Job) -> None:
    """Li K and O K of the blocks by GPAW with a core hole beside FEFF.

    Input rows (parquet); output (csv).

    params.design = JSON (:func:`defectra.studies.nmc.blocks.tables.block_design`); params.feff,
    params.gpaw = parts of both archives; params.protocols = JSON: protocol of each code;
    params.grids = nmc.edges.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.studies.nmc.blocks.campaign import CORE_HOLE_SITES
    from defectra.studies.nmc.blocks.core_hole import COLUMNS, compare_archived
    from defectra.studies.nmc.blocks.sites import read_sites
    from defectra.studies.nmc.blocks.tables import read_block_rows

    grids = grids_of(job)
    edges, named = [f"{e} K" for e in CORE_HOLE_SITES], decoded(job, "protocols")
    folders = {code: archive_folder(job.params[code]) for code in named}
    feff, gpaw = (read_sites(folders[code], named[code], edges) for code in ("feff", "gpaw"))
    rows = read_block_rows(job.input.rows)
    found = compare_archived(str(job.params.design), rows, feff, gpaw, grids)
    write_csv(job.output[0], found, COLUMNS)


def measure_shells(job: Job) -> None:
    """Change of single sites over their distance from the defect.

    Input rows (parquet); output sites, shells (csv).

    params.design = JSON (:func:`defectra.studies.nmc.blocks.tables.block_design`); params.archive =
    parts of the archive of blocks; params.grids = nmc.edges.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.studies.nmc.blocks.shells import SHELL_COLUMNS, SITE_COLUMNS, shells, site_changes
    from defectra.studies.nmc.blocks.sites import read_cells, read_sites
    from defectra.studies.nmc.blocks.tables import edges_in, read_block_rows

    grids = grids_of(job)
    rows, archive = read_block_rows(job.input.rows), archive_folder(job.params.archive)
    found = []
    if rows:
        spectra = read_sites(archive, str(rows[0]["protocol"]), edges_in(rows))
        cells = read_cells(archive, rows)
        whole = sorted({r["block"] for r in rows})
        found = site_changes(job.params.design, whole, spectra, cells, grids)
    write_csv(job.output.sites, found, SITE_COLUMNS)
    write_csv(job.output.shells, shells(found), SHELL_COLUMNS)


def compare_images(job: Job) -> None:
    """What a vacancy changes in cells of 40 and of 80 atoms.

    Input rows (parquet); output (csv).

    params.design = JSON (:func:`defectra.studies.nmc.blocks.tables.block_design`); params.small,
    params.large = parts of both archives; params.grids = nmc.edges.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.studies.nmc.blocks.images import COLUMNS, compare
    from defectra.studies.nmc.blocks.sites import read_cells, read_sites
    from defectra.studies.nmc.blocks.tables import edges_in, read_block_rows

    grids = grids_of(job)
    rows, found = read_block_rows(job.input.rows), []
    if rows:
        named, edges = str(rows[0]["protocol"]), edges_in(rows)
        folders = [archive_folder(p) for p in (job.params.small, job.params.large)]
        small, large = (read_sites(folder, named, edges) for folder in folders)
        whole = sorted({r["block"] for r in rows})
        cells = read_cells(folders[0], rows)
        found = compare(job.params.design, whole, small, large, cells, grids)
    write_csv(job.output[0], found, COLUMNS)


def weigh_blocks(job: Job) -> None:
    """Weights over energy.

    Input rows (parquet); output weights (csv).

    params.grids = nmc.edges; params.config = folds, repeats, bootstrap of nmc.model; params.seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.settings import ModelSettings
    from defectra.studies.nmc.blocks.tables import edges_in, read_block_rows
    from defectra.studies.nmc.blocks.weights import WEIGHT_COLUMNS, weights

    grids = grids_of(job)
    settings = settings_of(job, ModelSettings)
    rows = read_block_rows(job.input.rows)
    found = weights(rows, grids, edges_in(rows), settings, int(job.params.seed))
    write_csv(job.output[0], found, WEIGHT_COLUMNS)


def measure_experiment(job: Job) -> None:
    """Lithium of measured electrodes.

    Input rows (parquet), series (json), charge (csv) of the mirror, lithium (csv); output
    experiment (csv).

    params.grids = nmc.edges; params.lithium = JSON of nmc.lithium_series and nmc.protocol;
    params.seed = seed; params.mirror.
    """
    from pathlib import Path

    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.datasets import located
    from defectra.spectra.align import points
    from defectra.spectra.measured_series import read_series
    from defectra.studies.nmc.blocks.tables import read_block_rows
    from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
    from defectra.studies.nmc.measured.electrodes import EXPERIMENT_COLUMNS, measure, read_charge
    from defectra.studies.nmc.measured.lithium_shift import line_of
    from defectra.studies.nmc.settings import Grid

    line = line_of(read_csv(job.input.lithium, LITHIUM_COLUMNS), job.params.lithium)
    mirror = Path(job.params.mirror)
    series, charge = (located(job.input[k], mirror)[0] for k in ("series", "charge"))
    grid = Grid(**decoded(job, "grids")["Ni K"])
    rows = read_block_rows(job.input.rows)
    measured = read_series(series), read_charge(charge)
    found = measure(rows, points(grid), *measured, line, int(job.params.seed))
    write_csv(job.output[0], found, EXPERIMENT_COLUMNS)


def save_lithium_shift(job: Job) -> None:
    """Slope of the lithium series for ``defectra predict``.

    Input lithium (csv); output model (npz), empty where the series was not computed.

    params.lithium = JSON of nmc.lithium_series and nmc.protocol.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.store import write_bytes
    from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
    from defectra.studies.nmc.measured.lithium_shift import line_of

    line = line_of(read_csv(job.input.lithium, LITHIUM_COLUMNS), job.params.lithium)
    if line is None:
        write_bytes(job.output[0], b"")
    else:
        line.write(job.output[0])


def save_model(job: Job) -> None:
    """Model of all edges and targets for ``defectra predict``.

    Input rows (parquet), halves (csv); output model (npz).

    params.grids = nmc.edges; params.axes = file of the project; params.seed = seed.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.project_files import project_file
    from defectra.studies.nmc.blocks.evaluate import HALVES_COLUMNS
    from defectra.studies.nmc.blocks.saved import read_axes, save
    from defectra.studies.nmc.blocks.tables import read_block_rows

    grids = grids_of(job)
    halves = read_csv(job.input.halves, HALVES_COLUMNS)
    rows, seed = read_block_rows(job.input.rows), int(job.params.seed)
    axes = read_axes(project_file(job.params.axes)) if halves else {}
    save(rows, grids, halves, seed, job.output[0], axes)


def measure_energy_loss(job: Job) -> None:
    """Contents of the authors' sample from energy-loss intensities and from the shape of O K.

    Input spectrum, low_loss (msa) of the mirror, model (npz); output table, curves (csv).

    params.cross_sections = file of the project; params.seed = seed; params.mirror.
    """
    from pathlib import Path

    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.project_files import project_file
    from defectra.learn.edges_model import is_edges_model, load_edges_model
    from defectra.spectra.measured import read_measured
    from defectra.spectra.plural_scattering import PluralScattering
    from defectra.studies.nmc.measured.energy_loss import (
        ENERGY_LOSS_COLUMNS,
        Axis,
        Quantity,
        quantify,
        read_cross_sections,
    )
    from defectra.studies.nmc.measured.energy_loss_shape import CURVE_COLUMNS, of_model

    mirror = Path(job.params.mirror)
    spectrum, low_loss = (
        read_measured(located(job.input[k], mirror)[0]) for k in ("spectrum", "low_loss")
    )
    sections = read_cross_sections(project_file(job.params.cross_sections))
    axis, scattering = Axis.of(spectrum), PluralScattering.of(low_loss)
    found = quantify(Quantity(spectrum, axis, sections, scattering), int(job.params.seed))
    model = load_edges_model(job.input.model) if is_edges_model(job.input.model) else None
    contents, shown = of_model(spectrum, axis, scattering, model)
    write_csv(job.output.table, [*found, *contents], ENERGY_LOSS_COLUMNS)
    write_csv(job.output.curves, shown, CURVE_COLUMNS)
