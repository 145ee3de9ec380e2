"""Steps of study `hbn`: tables in, tables out."""

from __future__ import annotations

from defectra.core.step import Job, decoded, results_of, settings_of


def gather_hbn(job: Job) -> None:
    """Candidates and displaced cells that archive and journals hold, and a row for each other.

    Output runs, forces (parquet), table (csv).

    params.config = what decides the calculations; params.archive = their archive.
    """
    from defectra.campaign.ledger import Ledger
    from defectra.campaign.studies import journals_of
    from defectra.core.config import part_of_config
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import archive_folder
    from defectra.core.store import Archive, write_table
    from defectra.studies.hbn.requests import REQUESTS, force_rows, run_rows
    from defectra.studies.hbn.tables import FORCES, RUNS, SHOWN, shown

    config = part_of_config(decoded(job, "config"))
    settings, protocols = config.hbn, config.protocols
    journals = journals_of("hbn", results_of(job) / "store")
    ledger = Ledger(REQUESTS.kinds, Archive(archive_folder(job.params.archive)), journals)
    rows = run_rows(ledger, settings, protocols.gpaw_emitter[settings.protocol])
    write_table(job.output.runs, rows, RUNS)
    write_csv(job.output.table, [shown(r) for r in rows], list(SHOWN))
    forces = force_rows(ledger, settings, protocols.gpaw[settings.phonons])
    write_table(job.output.forces, forces, FORCES)


def compare_candidates(job: Job) -> None:
    """Transitions, sidebands, and the ladder of the candidates against the measured line.

    Input runs, forces (parquet); output transitions, errors, ladder, sidebands_table (csv),
    sidebands (parquet).

    params.config = leaf hbn.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table, write_table
    from defectra.studies.hbn import ladder
    from defectra.studies.hbn.settings import HbnStudy
    from defectra.studies.hbn.sidebands import CSV_COLUMNS, SIDEBANDS, sidebands
    from defectra.studies.hbn.tables import FORCES, RUNS
    from defectra.studies.hbn.transitions import COLUMNS, transitions

    settings = settings_of(job, HbnStudy)
    runs = read_table(job.input.runs, RUNS)
    rows = transitions(runs)
    errors = ladder.error_rows(rows, settings)
    write_csv(job.output.transitions, rows, COLUMNS)
    write_csv(job.output.errors, errors, ladder.ERRORS_COLUMNS)
    judged = ladder.ladder_rows(rows, errors, settings)
    write_csv(job.output.ladder, judged, ladder.LADDER_COLUMNS)
    bands = sidebands(runs, read_table(job.input.forces, FORCES), settings)
    write_table(job.output.sidebands, bands, SIDEBANDS)
    shown = [{k: r[k] for k in CSV_COLUMNS} for r in bands]
    write_csv(job.output.sidebands_table, shown, CSV_COLUMNS)


def measure_lines(job: Job) -> None:
    """Lines of measured spectra, or of simulated ones, and their statistics over emitters.

    Output lines, statistics (csv).

    params.config = leaf hbn; params.seed = seed.
    """
    from pathlib import Path

    from defectra.core.csvs import write_csv
    from defectra.studies.hbn import lines, measured, simulated
    from defectra.studies.hbn.settings import HbnStudy

    settings, seed = settings_of(job, HbnStudy), int(job.params.seed)
    sets = {name: simulated.spectra(name, settings, seed) for name in simulated.SETS}
    if settings.measured.files:
        sets["measured"] = [s for f in settings.measured.files for s in measured.read(Path(f))]
    rows, summary = [], []
    for name, spectra in sets.items():
        found = lines.fitted(spectra, settings)
        rows += found
        summary += lines.statistics(name, found, settings, seed)
    write_csv(job.output.lines, rows, lines.LINE_COLUMNS)
    write_csv(job.output.statistics, summary, lines.STATISTICS_COLUMNS)


def score_hbn(job: Job) -> None:
    """Scorecard and checks.

    Input runs, sidebands (parquet), transitions, ladder, statistics (csv); output scorecard,
    checks (csv).

    params.config = leaf hbn.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.store import read_table
    from defectra.studies.hbn import scores
    from defectra.studies.hbn.ladder import LADDER_COLUMNS
    from defectra.studies.hbn.lines import STATISTICS_COLUMNS
    from defectra.studies.hbn.settings import HbnStudy
    from defectra.studies.hbn.sidebands import SIDEBANDS
    from defectra.studies.hbn.tables import RUNS
    from defectra.studies.hbn.transitions import COLUMNS

    found = scores.Found(
        settings_of(job, HbnStudy),
        read_table(job.input.runs, RUNS),
        read_csv(job.input.transitions, COLUMNS),
        read_csv(job.input.ladder, LADDER_COLUMNS),
        read_table(job.input.sidebands, SIDEBANDS),
        read_csv(job.input.statistics, STATISTICS_COLUMNS),
    )
    write_csv(job.output.scorecard, scores.scorecard(found), SCORECARD_COLUMNS)
    write_csv(job.output.checks, scores.checks(found), CHECK_COLUMNS)
