"""Steps of study `levels` that compute or read charged cells, or make tables of them."""

from __future__ import annotations

from defectra.core.step import Job, decoded, results_of, settings_of


def make_formation(job: Job) -> None:
    """Formation energies.

    Input hosts, cells, corrections; output table, figure.

    params.chosen = names of sets, params.protocols; params.properties, sets, phases = files.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.errors import TableError
    from defectra.core.project_files import project_file
    from defectra.core.settings import unknown
    from defectra.core.store import read_table
    from defectra.engines.gpaw.settings import read_level_protocols
    from defectra.studies.levels.figures.formation import plot_formation
    from defectra.studies.levels.formation import FORMATION_COLUMNS
    from defectra.studies.levels.hosts import read_hosts, static_ratios
    from defectra.studies.levels.inputs import read_sets
    from defectra.studies.levels.sets import CORRECTIONS, Tables, formation, hosts_by_name
    from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS

    tables = Tables(
        hosts_by_name(read_table(job.input.hosts, HOST_RUNS)),
        {r["calculation_id"]: r for r in read_table(job.input.cells, CELL_RUNS)},
        {r["calculation_id"]: r for r in read_table(job.input.corrections, CORRECTIONS)},
        static_ratios(read_hosts(project_file(job.params.properties))),
    )
    names = decoded(job, "chosen")
    known = {s.name: s for s in read_sets(project_file(job.params.sets))}
    for name in names:
        if name not in known:
            raise TableError(f"levels.live.formation: {unknown(name, known, 'set')}")
    sets = [s for s in known.values() if s.name in names]
    protocols = read_level_protocols(job.params.protocols)
    rows = formation(sets, tables, protocols, project_file(job.params.phases))
    write_csv(job.output.table, rows, FORMATION_COLUMNS)
    plot_formation(rows, job.output.figure)


def make_live_levels(job: Job) -> None:
    """Levels of the sets computed with GPAW.

    Input hosts, cells, corrections, published; params.properties, sets = files.

    Output levels, table. params.protocols (by name), params.coefficient (of the modified band
    alignment).
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table, write_table
    from defectra.engines.gpaw.settings import read_level_protocols
    from defectra.studies.levels.hosts import read_hosts, static_ratios
    from defectra.studies.levels.inputs import read_sets
    from defectra.studies.levels.published import LEVELS
    from defectra.studies.levels.sets import CORRECTIONS, Tables, hosts_by_name, level_rows
    from defectra.studies.levels.tables import CELL_RUNS, COMPUTED_LEVELS, HOST_RUNS

    tables = Tables(
        hosts_by_name(read_table(job.input.hosts, HOST_RUNS)),
        {r["calculation_id"]: r for r in read_table(job.input.cells, CELL_RUNS)},
        {r["calculation_id"]: r for r in read_table(job.input.corrections, CORRECTIONS)},
        static_ratios(read_hosts(project_file(job.params.properties))),
    )
    published = {
        ((r["host"], r["site"], r["impurity"]), r["q_from"]): r["level_eV"]
        for r in read_table(job.input.published, LEVELS)
    }
    coefficient = decoded(job, "coefficient")
    protocols = read_level_protocols(job.params.protocols)
    rows = level_rows(
        read_sets(project_file(job.params.sets)), tables, protocols, coefficient, published
    )
    write_table(job.output.levels, rows, COMPUTED_LEVELS)
    write_csv(job.output.table, rows, COMPUTED_LEVELS.names)


def explain_parity(job: Job) -> None:
    """Deviations from published levels by screening, size and relaxation.

    Input levels, hosts, cells, corrections (parquet); output parity, causes (csv).

    params.properties, sets = files; params.protocols (by name).
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table
    from defectra.engines.gpaw.settings import read_level_protocols
    from defectra.studies.levels.hosts import read_hosts, static_ratios
    from defectra.studies.levels.inputs import read_sets
    from defectra.studies.levels.parity import (
        PARITY_COLUMNS,
        SUMMARY_COLUMNS,
        parity_rows,
        summary_rows,
    )
    from defectra.studies.levels.sets import CORRECTIONS, Tables, hosts_by_name
    from defectra.studies.levels.tables import CELL_RUNS, COMPUTED_LEVELS, HOST_RUNS

    tables = Tables(
        hosts_by_name(read_table(job.input.hosts, HOST_RUNS)),
        {r["calculation_id"]: r for r in read_table(job.input.cells, CELL_RUNS)},
        {r["calculation_id"]: r for r in read_table(job.input.corrections, CORRECTIONS)},
        static_ratios(read_hosts(project_file(job.params.properties))),
    )
    levels = read_table(job.input.levels, COMPUTED_LEVELS)
    sets = read_sets(project_file(job.params.sets))
    rows = parity_rows(levels, sets, tables, read_level_protocols(job.params.protocols))
    write_csv(job.output.parity, rows, PARITY_COLUMNS)
    write_csv(job.output.causes, summary_rows(rows, levels), SUMMARY_COLUMNS)


def parse_levels(job: Job) -> None:
    """Levels of VASP runs, of results of doped and pydefect and of tables made elsewhere.

    Output levels, left_out, cells (csv).

    params.parsed = folders with host and dielectric tensor, params.results = JSON files,
    params.tables = csv with their columns, params.coefficient.
    """
    from pathlib import Path

    import numpy as np

    from defectra.core.csvs import write_csv
    from defectra.defects.energy_tables import Mapped, levels_of_table
    from defectra.defects.program_results import levels_of_files
    from defectra.defects.vasp_runs import CELLS_COLUMNS, cells_of_sets, levels_of_sets, read_sets
    from defectra.studies.levels.tables import COMPUTED_LEVELS

    rows, left_out, cells = [], [], []
    coefficient = decoded(job, "coefficient")
    for entry in decoded(job, "parsed"):
        host, tensor = entry["host"], np.reshape(entry["dielectric"], (3, 3))
        sets, out = read_sets(Path(entry["folder"]), host)
        made, more = levels_of_sets(sets, host, tensor, coefficient)
        cells += cells_of_sets(sets, host, tensor)
        rows += made
        left_out += out + more
    made, out = levels_of_files([Path(p) for p in decoded(job, "results")], coefficient)
    rows += made
    left_out += out
    for entry in decoded(job, "tables"):
        path = Path(entry.pop("file"))
        for name in ("energies", "corrections"):
            entry[name] = {int(q): column for q, column in entry[name].items()}
        made, out = levels_of_table(path, Mapped(**entry), coefficient)
        rows += made
        left_out += out
    write_csv(job.output.levels, rows, COMPUTED_LEVELS.names)
    write_csv(job.output.cells, cells, CELLS_COLUMNS)
    write_csv(job.output.left_out, left_out, ["source", "reason"])


def run_levels(job: Job) -> None:
    """Hosts and charged cells computed with GPAW: archive, own runs, drift.

    Output four tables. params.properties, sets = files; params.archive = its parts.

    params.config = levels.live, params.protocols; the journals in results/store are nobody's
    output.
    """
    import json

    from defectra.campaign.ledger import Ledger
    from defectra.campaign.studies import journals_of
    from defectra.core.csvs import write_csv
    from defectra.core.limits import with_limits
    from defectra.core.project_files import archive_folder, project_file
    from defectra.core.store import Archive, write_table
    from defectra.engines.gpaw.settings import read_level_protocols
    from defectra.studies.levels.calculations import DRIFT_COLUMNS, recompute, tables_of
    from defectra.studies.levels.hosts import read_hosts, static_ratios
    from defectra.studies.levels.requests import REQUESTS
    from defectra.studies.levels.sets import CORRECTIONS
    from defectra.studies.levels.settings import ComputedSets
    from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS

    settings = settings_of(job, ComputedSets)
    settings = settings.model_copy(update={"sets": project_file(job.params.sets)})
    asked = {"gpaw_levels": decoded(job, "protocols")}
    known = with_limits(asked, results_of(job))["gpaw_levels"]
    protocols = read_level_protocols(json.dumps(known))
    properties, store = read_hosts(project_file(job.params.properties)), results_of(job) / "store"
    known = Ledger(REQUESTS.kinds, journals=journals_of("levels", store))
    archive = Archive(archive_folder(job.params.archive))
    found = tables_of(known, archive, static_ratios(properties))
    anew = store / "levels_anew.journal"
    drift = recompute(settings, protocols, properties, anew, found)
    write_table(job.output.hosts, found.hosts.values(), HOST_RUNS)
    write_table(job.output.cells, found.cells.values(), CELL_RUNS)
    write_table(job.output.corrections, found.corrections.values(), CORRECTIONS)
    write_csv(job.output.drift, drift, DRIFT_COLUMNS)


def run_next_levels(job: Job) -> None:
    """What to compute next, computed.

    Input ranked (next.csv); output csv. params.properties = file of the hosts.

    params.config = levels.live, params.protocols, params.coefficient, params.archive.
    """
    import csv
    import json
    from pathlib import Path

    from defectra.campaign.complete import computed
    from defectra.campaign.ledger import Ledger
    from defectra.campaign.studies import journals_of
    from defectra.core.csvs import write_csv
    from defectra.core.limits import with_limits
    from defectra.core.project_files import archive_folder, project_file
    from defectra.core.store import Archive
    from defectra.engines.gpaw.settings import read_level_protocols
    from defectra.studies.levels.calculations import sets_of_next, tables_of
    from defectra.studies.levels.hosts import read_hosts, static_ratios
    from defectra.studies.levels.requests import REQUESTS, set_families
    from defectra.studies.levels.sets import level_rows
    from defectra.studies.levels.settings import ComputedSets
    from defectra.studies.levels.tables import COMPUTED_LEVELS

    settings, store = settings_of(job, ComputedSets), results_of(job) / "store"
    asked = {"gpaw_levels": decoded(job, "protocols")}
    known = with_limits(asked, results_of(job))["gpaw_levels"]
    protocols = read_level_protocols(json.dumps(known))
    with Path(job.input.ranked).open(encoding="utf-8", newline="") as handle:
        sets = sets_of_next(list(csv.DictReader(handle)), settings)
    properties, archive = (
        read_hosts(project_file(job.params.properties)),
        Archive(archive_folder(job.params.archive)),
    )
    known = Ledger(REQUESTS.kinds, archive, journals_of("levels", store))
    families = set_families(sets, protocols, properties)
    known = computed(families, known, store / "levels_next.journal")
    found = tables_of(known, archive, static_ratios(properties))
    rows = level_rows(sets, found, protocols, decoded(job, "coefficient"), {})
    write_csv(job.output[0], rows, COMPUTED_LEVELS.names)
