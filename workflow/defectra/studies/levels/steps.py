"""Steps: what the rules of study `levels` do with their files; no science here."""

from __future__ import annotations

from defectra.core.step import Job, results_of


def align_levels(job: Job) -> None:
    """Two-fidelity study of the Foundry table, or of its first rows where that is all there is.

    Input foundry (csv, or none: then the tables are empty); output alignment, curves (csv).
    params.mirror; params.registered = path below the mirror whose checksum is known, empty for the
    full table; params.config = levels; params.seed.
    """
    import json

    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.studies.levels.band_alignment import ALIGNMENT_COLUMNS, alignment_rows
    from defectra.studies.levels.learning_curves import CURVE_COLUMNS, curves
    from defectra.studies.levels.published import read_foundry
    from defectra.studies.levels.settings import LevelsStudy

    study = LevelsStudy.model_validate_json(job.params.config)
    registered = json.loads(job.params.registered)
    foundry = job.input.foundry
    if foundry and registered:
        located(foundry, json.loads(job.params.mirror))
    rows = read_foundry(foundry)[0] if foundry else []
    aligned = alignment_rows(rows, study.mba_coefficient)
    write_csv(job.output.alignment, aligned, ALIGNMENT_COLUMNS)
    found = curves(rows, study.multifidelity, int(job.params.seed))
    write_csv(job.output.curves, found, CURVE_COLUMNS)


def build_levels(job: Job) -> None:
    """Published levels.

    Input impurities, natives (csv of the mirror); output levels, left_out.

    params.mirror, params.natives (whether native defects train).
    """
    import json

    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.store import write_table
    from defectra.studies.levels.published import (
        LEFT_OUT_COLUMNS,
        LEVELS,
        read_impurities,
        read_natives,
    )

    mirror = json.loads(job.params.mirror)
    impurities, own = (located(job.input[k], mirror)[0] for k in ("impurities", "natives"))
    rows, left_out = read_impurities(impurities)
    if json.loads(job.params.natives):
        natives, more = read_natives(own)
        rows, left_out = rows + natives, left_out + more
    write_table(job.output.levels, rows, LEVELS)
    write_csv(job.output.left_out, left_out, LEFT_OUT_COLUMNS)


def evaluate_levels(job: Job) -> None:
    """Models of levels.

    Input levels, computed (parquet); output metrics, predictions.

    params.config = levels; params.seed = seed; params.properties = file of the hosts.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import project_file
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table, write_table
    from defectra.studies.levels.evaluate import (
        PREDICTIONS,
        assemble,
        evaluate,
        metrics_rows,
        prediction_rows,
    )
    from defectra.studies.levels.hosts import read_hosts, with_computed
    from defectra.studies.levels.published import LEVELS
    from defectra.studies.levels.settings import LevelsStudy
    from defectra.studies.levels.tables import HOST_RUNS

    study, seed = LevelsStudy.model_validate_json(job.params.config), int(job.params.seed)
    computed = read_table(job.input.computed, HOST_RUNS)
    hosts = with_computed(
        read_hosts(project_file(job.params.properties)), computed, study.host_fidelity
    )
    data = assemble(read_table(job.input.levels, LEVELS), hosts)
    predictions = prediction_rows(data, evaluate(data, study, seed))
    write_table(job.output.predictions, predictions, PREDICTIONS)
    write_csv(job.output.metrics, metrics_rows(predictions, study, seed), METRICS_COLUMNS)


def make_formation(job: Job) -> None:
    """Formation energies.

    Input hosts, cells, corrections; output table, figure.

    params.chosen = names of sets, params.protocols; params.properties, sets, phases = files.
    """
    import json

    from defectra.core.csvs import write_csv
    from defectra.core.project_files import project_file
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
    names = json.loads(job.params.chosen)
    sets = [s for s in read_sets(project_file(job.params.sets)) if s.name in names]
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
    import json

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
    coefficient = json.loads(job.params.coefficient)
    protocols = read_level_protocols(job.params.protocols)
    rows = level_rows(
        read_sets(project_file(job.params.sets)), tables, protocols, coefficient, published
    )
    write_table(job.output.levels, rows, COMPUTED_LEVELS)
    write_csv(job.output.table, rows, COMPUTED_LEVELS.names)


def parse_levels(job: Job) -> None:
    """Levels of VASP runs, of results of doped and pydefect and of tables made elsewhere.

    Output levels, left_out, cells (csv).

    params.parsed = folders with host and dielectric tensor, params.results = JSON files,
    params.tables = csv with their columns, params.coefficient.
    """
    import json
    from pathlib import Path

    import numpy as np

    from defectra.core.csvs import write_csv
    from defectra.defects.energy_tables import Mapped, levels_of_table
    from defectra.defects.program_results import levels_of_results
    from defectra.defects.vasp_runs import CELLS_COLUMNS, cells_of_sets, levels_of_sets, read_sets
    from defectra.studies.levels.tables import COMPUTED_LEVELS

    rows, left_out, cells = [], [], []
    coefficient = json.loads(job.params.coefficient)
    for entry in json.loads(job.params.parsed):
        host, tensor = entry["host"], np.reshape(entry["dielectric"], (3, 3))
        sets, out = read_sets(Path(entry["folder"]), host)
        made, more = levels_of_sets(sets, host, tensor, coefficient)
        cells += cells_of_sets(sets, host, tensor)
        rows += made
        left_out += out + more
    for path in json.loads(job.params.results):
        made, out = levels_of_results(Path(path), coefficient)
        rows += made
        left_out += out
    for entry in json.loads(job.params.tables):
        path = Path(entry.pop("file"))
        for name in ("energies", "corrections"):
            entry[name] = {int(q): column for q, column in entry[name].items()}
        made, out = levels_of_table(path, Mapped(**entry), coefficient)
        rows += made
        left_out += out
    write_csv(job.output.levels, rows, COMPUTED_LEVELS.names)
    write_csv(job.output.cells, cells, CELLS_COLUMNS)
    write_csv(job.output.left_out, left_out, ["source", "reason"])


def predict_levels(job: Job) -> None:
    """Whole space and ranked list.

    Input levels, computed, krr, nn, rfr; output three tables.

    params.mirror; params.config = levels; params.properties = file of the hosts.
    """
    import json

    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table, write_table
    from defectra.studies.levels.evaluate import assemble
    from defectra.studies.levels.hosts import read_hosts, with_computed
    from defectra.studies.levels.published import LEVELS
    from defectra.studies.levels.settings import LevelsStudy
    from defectra.studies.levels.tables import HOST_RUNS
    from defectra.studies.levels.whole_space import (
        ACQUISITION_COLUMNS,
        MODELS,
        SPACE,
        next_runs,
        predict_space,
        read_predictions,
    )

    study, mirror = (
        LevelsStudy.model_validate_json(job.params.config),
        json.loads(job.params.mirror),
    )
    computed = read_table(job.input.computed, HOST_RUNS)
    hosts = with_computed(
        read_hosts(project_file(job.params.properties)), computed, study.host_fidelity
    )
    published = {m: read_predictions(located(job.input[m.lower()], mirror)[0]) for m in MODELS}
    data = assemble(read_table(job.input.levels, LEVELS), hosts)
    space = predict_space(data, hosts, published, study)
    write_table(job.output.space, space, SPACE)
    write_csv(job.output.table, space, SPACE.names)
    write_csv(job.output.ranked, next_runs(space, hosts, study.acquisition), ACQUISITION_COLUMNS)


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

    settings = ComputedSets.model_validate_json(job.params.config)
    settings = settings.model_copy(update={"sets": project_file(job.params.sets)})
    asked = {"gpaw_levels": json.loads(job.params.protocols)}
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

    settings, store = ComputedSets.model_validate_json(job.params.config), results_of(job) / "store"
    asked = {"gpaw_levels": json.loads(job.params.protocols)}
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
    rows = level_rows(sets, found, protocols, json.loads(job.params.coefficient), {})
    write_csv(job.output[0], rows, COMPUTED_LEVELS.names)


def score_levels(job: Job) -> None:
    """Scorecard, checks and deviations of levels.

    Input metrics, alignment, curves, drift (csv), space, computed tables (parquet); output
    scorecard, checks, deviations (csv).
    """
    import csv
    from pathlib import Path

    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.project_files import project_file
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.levels.band_alignment import ALIGNMENT_COLUMNS
    from defectra.studies.levels.checks import checks
    from defectra.studies.levels.checks_computed import checks_computed
    from defectra.studies.levels.deviations import DEVIATION_COLUMNS, deviations
    from defectra.studies.levels.hosts import read_hosts
    from defectra.studies.levels.learning_curves import CURVE_COLUMNS
    from defectra.studies.levels.scorecard import scorecard
    from defectra.studies.levels.tables import COMPUTED_LEVELS, HOST_RUNS
    from defectra.studies.levels.whole_space import SPACE

    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    alignment = read_csv(job.input.alignment, ALIGNMENT_COLUMNS)
    curves = read_csv(job.input.curves, CURVE_COLUMNS)
    levels = read_table(job.input.live, COMPUTED_LEVELS)
    with Path(job.input.drift).open(encoding="utf-8", newline="") as handle:
        drift = list(csv.DictReader(handle))
    own = [*checks(metrics, alignment), *checks_computed(levels, drift)]
    beside = deviations(
        levels,
        read_table(job.input.live_hosts, HOST_RUNS),
        read_hosts(project_file(job.params.properties), kinds=("literature",)),
        read_table(job.input.space, SPACE),
    )
    write_csv(job.output.scorecard, scorecard(alignment, curves), SCORECARD_COLUMNS)
    write_csv(job.output.checks, own, CHECK_COLUMNS)
    write_csv(job.output.deviations, beside, DEVIATION_COLUMNS)


def simulate_levels(job: Job) -> None:
    """Error against gap if the model were right.

    Input levels, computed, predictions.

    params.config = levels; params.seed = seed; params.properties = file of the hosts.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table
    from defectra.studies.levels.evaluate import PREDICTIONS, assemble
    from defectra.studies.levels.hosts import read_hosts, with_computed
    from defectra.studies.levels.published import LEVELS
    from defectra.studies.levels.settings import LevelsStudy
    from defectra.studies.levels.simulated import SIMULATED_COLUMNS, simulate
    from defectra.studies.levels.tables import HOST_RUNS

    study, seed = LevelsStudy.model_validate_json(job.params.config), int(job.params.seed)
    computed = read_table(job.input.computed, HOST_RUNS)
    hosts = with_computed(
        read_hosts(project_file(job.params.properties)), computed, study.host_fidelity
    )
    data = assemble(read_table(job.input.levels, LEVELS), hosts)
    predictions = read_table(job.input.predictions, PREDICTIONS)
    write_csv(job.output[0], simulate(data, predictions, study, seed), SIMULATED_COLUMNS)
