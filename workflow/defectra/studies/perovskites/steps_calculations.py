"""Steps of study `perovskites` around its own calculations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.step import Job, decoded, results_of

if TYPE_CHECKING:
    from defectra.campaign.ledger import Ledger
    from defectra.studies.perovskites.requests import Protocol


def _known(job: Job) -> tuple[Ledger, Protocol]:
    """What archive and journals hold, and the protocol that is asked for."""
    from defectra.campaign.ledger import Ledger
    from defectra.campaign.studies import journals_of
    from defectra.core.project_files import archive_folder
    from defectra.core.store import Archive
    from defectra.engines.gpaw.settings import GpawProtocol
    from defectra.studies.perovskites.requests import REQUESTS

    asked = decoded(job, "config")
    journals = journals_of("perovskites", results_of(job) / "store")
    archive = Archive(archive_folder(job.params.archive))
    protocol = (asked["name"], GpawProtocol(**asked["protocol"]))
    return Ledger(REQUESTS.kinds, archive, journals), protocol


def compare_cells(job: Job) -> None:
    """Decomposition energies, vacancies and mixed cells of our own beside the published columns.

    Input runs, cells, compounds (parquet), excesses (csv); output csv.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.store import read_table
    from defectra.studies.perovskites import decomposition, orderings, vacancies
    from defectra.studies.perovskites.binary_phases import EXCESS_COLUMNS
    from defectra.studies.perovskites.cells import CELLS
    from defectra.studies.perovskites.tables import COMPOUNDS, RUNS

    runs = read_table(job.input.runs, RUNS)
    cells = read_table(job.input.cells, CELLS)
    published = read_table(job.input.compounds, COMPOUNDS)
    excesses = read_csv(job.input.excesses, EXCESS_COLUMNS)
    rows = decomposition.compare(runs, cells, published, excesses)
    write_csv(job.output.decomposition, rows, decomposition.COLUMNS)
    write_csv(job.output.summary, decomposition.summary(rows), decomposition.SUMMARY_COLUMNS)
    pairs = vacancies.compare(runs, cells, published)
    write_csv(job.output.vacancies, pairs, vacancies.COLUMNS)
    mixed = orderings.compare(runs, cells, published)
    write_csv(job.output.mixing, mixed, orderings.COLUMNS)


def compare_runs(job: Job) -> None:
    """Our calculations beside the published columns.

    Input runs, compounds (parquet); output csv.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table
    from defectra.studies.perovskites.binary_phases import (
        DIFFERENCE_COLUMNS,
        EXCESS_COLUMNS,
        differences,
        excesses,
    )
    from defectra.studies.perovskites.parity import (
        PARITY_COLUMNS,
        SUMMARY_COLUMNS,
        compare,
        summary,
    )
    from defectra.studies.perovskites.tables import COMPOUNDS, RUNS

    runs = read_table(job.input.runs, RUNS)
    published = read_table(job.input.compounds, COMPOUNDS)
    rows = compare(runs, published)
    write_csv(job.output.parity, rows, PARITY_COLUMNS)
    write_csv(job.output.summary, summary(rows), SUMMARY_COLUMNS)
    pairs = differences(runs, published)
    write_csv(job.output.salts, pairs, DIFFERENCE_COLUMNS)
    write_csv(job.output.excesses, excesses(pairs), EXCESS_COLUMNS)


def gather_cells(job: Job) -> None:
    """Reference phases, mixed cells and vacancies of our own.

    Output cells (parquet), table (csv).

    params.config = what decides the calculations; params.archive = its folder, as JSON.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import write_table
    from defectra.studies.perovskites.cells import CELLS, COLUMNS
    from defectra.studies.perovskites.requests import cell_rows

    rows = cell_rows(*_known(job))
    write_table(job.output.cells, rows, CELLS)
    write_csv(job.output.table, [{k: r[k] for k in COLUMNS} for r in rows], COLUMNS)


def gather_runs(job: Job) -> None:
    """Our calculations of pure perovskites.

    Output runs (parquet) and table (csv).

    params.config = what decides the calculations; params.archive = its folder, as JSON.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import write_table
    from defectra.studies.perovskites.requests import run_rows
    from defectra.studies.perovskites.tables import RUNS, RUNS_COLUMNS

    rows = run_rows(*_known(job), seed=int(job.params.seed))
    write_table(job.output.runs, rows, RUNS)
    write_csv(job.output.table, [{k: r[k] for k in RUNS_COLUMNS} for r in rows], RUNS_COLUMNS)


def measure_slme(job: Job) -> None:
    """Efficiency limit of GaAs films from measured absorption.

    Output csv. params.optics = file of the measured constants.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.project_files import project_file
    from defectra.studies.perovskites.slme import COLUMNS, GAAS_GAP, absorption, table

    rows = read_csv(project_file(job.params.optics), ["wavelength_um", "n", "k"])
    spectrum = absorption(*([float(r[key]) for r in rows] for key in ("wavelength_um", "k")))
    write_csv(job.output[0], table("GaAs", GAAS_GAP, *spectrum), COLUMNS)
