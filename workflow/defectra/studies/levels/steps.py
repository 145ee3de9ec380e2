"""Steps: what the rules of study `levels` do with their files; no science here."""

from __future__ import annotations

from typing import Any

from defectra.core.step import Job, decoded, settings_of


def align_levels(job: Job) -> None:
    """Two-fidelity study of the Foundry table, or of its first rows where that is all there is.

    Input foundry (csv, or none: then the tables are empty); output alignment, curves (csv).
    params.mirror; params.registered = path below the mirror whose checksum is known, empty for the
    full table; params.config = levels; params.seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.studies.levels.band_alignment import ALIGNMENT_COLUMNS, alignment_rows
    from defectra.studies.levels.learning_curves import CURVE_COLUMNS, curves
    from defectra.studies.levels.published import read_foundry
    from defectra.studies.levels.settings import LevelsStudy

    study = settings_of(job, LevelsStudy)
    registered = decoded(job, "registered")
    foundry = job.input.foundry
    if foundry and registered:
        located(foundry, decoded(job, "mirror"))
    rows = read_foundry(foundry)[0] if foundry else []
    aligned = alignment_rows(rows, study.mba_coefficient)
    write_csv(job.output.alignment, aligned, ALIGNMENT_COLUMNS)
    found = curves(rows, study.multifidelity, int(job.params.seed))
    write_csv(job.output.curves, found, CURVE_COLUMNS)


def compare_hybrid_levels(job: Job) -> None:
    """PBE levels and what is made of them against true hybrid levels.

    Input natives (csv), results (list of JSON of doped), computed and live (parquet), foundry
    (csv, or none); output csv.

    params.mirror; params.coefficient (of the modified band alignment).
    """
    from pathlib import Path

    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.store import read_table
    from defectra.defects.program_results import levels_of_results
    from defectra.studies.levels.hybrid import HYBRID_COLUMNS, hybrid_rows, read_natives
    from defectra.studies.levels.published import read_foundry
    from defectra.studies.levels.tables import COMPUTED_LEVELS, HOST_RUNS

    mirror, weight = decoded(job, "mirror"), decoded(job, "coefficient")
    foundry = read_foundry(job.input.foundry)[0] if job.input.foundry else []
    results = [
        row
        for path in job.input.results
        for row in levels_of_results(Path(located(path, mirror)[0]), weight)[0]
    ]
    natives_file = located(job.input.natives, mirror)[0]
    natives = {h: read_natives(natives_file, h) for h in sorted({r["host"] for r in results})}
    computed = read_table(job.input.computed, HOST_RUNS)
    live = read_table(job.input.live, COMPUTED_LEVELS)
    rows = hybrid_rows(foundry, results, natives, computed, weight, live)
    write_csv(job.output[0], rows, HYBRID_COLUMNS)


def build_levels(job: Job) -> None:
    """Published levels.

    Input impurities, natives (csv of the mirror); output levels, left_out.

    params.mirror, params.natives (whether native defects train).
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import write_table
    from defectra.studies.levels.published import LEFT_OUT_COLUMNS, LEVELS

    rows, left_out = _published(job)
    write_table(job.output.levels, rows, LEVELS)
    write_csv(job.output.left_out, left_out, LEFT_OUT_COLUMNS)


def join_levels(job: Job) -> None:
    """Published levels, and those of finished runs made elsewhere.

    As :func:`build_levels`; input parsed (csv); params.properties (file of the hosts),
    params.parsed_geometry (how the parsed cells were made).
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.project_files import project_file
    from defectra.core.store import write_table
    from defectra.studies.levels.hosts import read_hosts
    from defectra.studies.levels.parsed import parsed_rows
    from defectra.studies.levels.published import LEFT_OUT_COLUMNS, LEVELS
    from defectra.studies.levels.tables import COMPUTED_LEVELS

    rows, left_out = _published(job)
    computed = read_csv(str(job.input.parsed[0]), COMPUTED_LEVELS.names)
    keys = {(r["host"], r["site"], r["impurity"]) for r in rows}
    hosts = read_hosts(project_file(job.params.properties))
    new, more = parsed_rows(computed, keys, hosts, job.params.parsed_geometry)
    write_table(job.output.levels, rows + new, LEVELS)
    write_csv(job.output.left_out, left_out + more, LEFT_OUT_COLUMNS)


def _published(job: Job) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Published levels, and what was left out."""
    from defectra.core.datasets import located
    from defectra.studies.levels.published import read_impurities, read_natives

    mirror = decoded(job, "mirror")
    impurities, own = (located(job.input[k], mirror)[0] for k in ("impurities", "natives"))
    rows, left_out = read_impurities(impurities)
    if not decoded(job, "natives"):
        return rows, left_out
    natives, more = read_natives(own)
    return rows + natives, left_out + more


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
    from defectra.studies.levels.paired import paired_rows
    from defectra.studies.levels.published import LEVELS
    from defectra.studies.levels.settings import LevelsStudy
    from defectra.studies.levels.tables import HOST_RUNS

    study, seed = settings_of(job, LevelsStudy), int(job.params.seed)
    computed = read_table(job.input.computed, HOST_RUNS)
    hosts = with_computed(
        read_hosts(project_file(job.params.properties)), computed, study.host_fidelity
    )
    data = assemble(read_table(job.input.levels, LEVELS), hosts)
    predictions = prediction_rows(data, evaluate(data, study, seed))
    write_table(job.output.predictions, predictions, PREDICTIONS)
    metrics = [
        *metrics_rows(predictions, study, seed),
        *paired_rows(predictions, study, seed),
    ]
    write_csv(job.output.metrics, metrics, METRICS_COLUMNS)


def train_levels(job: Job) -> None:
    """The saved model: all levels, for hosts of one's own and for the whole space.

    Input levels, computed (parquet); output npz.

    params.config = levels; params.seed = seed; params.properties = file of the hosts.
    """
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table
    from defectra.studies.levels.evaluate import assemble
    from defectra.studies.levels.hosts import read_hosts, with_computed
    from defectra.studies.levels.published import LEVELS
    from defectra.studies.levels.saved import train
    from defectra.studies.levels.settings import LevelsStudy
    from defectra.studies.levels.tables import HOST_RUNS

    study, seed = settings_of(job, LevelsStudy), int(job.params.seed)
    computed = read_table(job.input.computed, HOST_RUNS)
    hosts = with_computed(
        read_hosts(project_file(job.params.properties)), computed, study.host_fidelity
    )
    data = assemble(read_table(job.input.levels, LEVELS), hosts)
    train(data, hosts, study, seed).save(job.output[0])


def predict_levels(job: Job) -> None:
    """Whole space and ranked list.

    Input model (npz), computed, krr, nn, rfr; output three tables.

    params.mirror; params.config = levels; params.properties = file of the hosts.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table, write_table
    from defectra.studies.levels.hosts import read_hosts, with_computed
    from defectra.studies.levels.saved import load
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
        settings_of(job, LevelsStudy),
        decoded(job, "mirror"),
    )
    computed = read_table(job.input.computed, HOST_RUNS)
    hosts = with_computed(
        read_hosts(project_file(job.params.properties)), computed, study.host_fidelity
    )
    published = {m: read_predictions(located(job.input[m.lower()], mirror)[0]) for m in MODELS}
    space = predict_space(load(job.input.model), hosts, published)
    write_table(job.output.space, space, SPACE)
    write_csv(job.output.table, space, SPACE.names)
    write_csv(job.output.ranked, next_runs(space, hosts, study.acquisition), ACQUISITION_COLUMNS)


def score_levels(job: Job) -> None:
    """Scorecard, checks and deviations of levels.

    Input metrics, alignment, hybrid, curves, drift (csv), space, computed tables (parquet); output
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
    from defectra.studies.levels.hybrid import HYBRID_COLUMNS
    from defectra.studies.levels.learning_curves import CURVE_COLUMNS
    from defectra.studies.levels.scorecard import scorecard
    from defectra.studies.levels.tables import COMPUTED_LEVELS, HOST_RUNS
    from defectra.studies.levels.whole_space import SPACE

    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    alignment = read_csv(job.input.alignment, ALIGNMENT_COLUMNS)
    hybrid = read_csv(job.input.hybrid, HYBRID_COLUMNS)
    curves = read_csv(job.input.curves, CURVE_COLUMNS)
    levels = read_table(job.input.live, COMPUTED_LEVELS)
    with Path(job.input.drift).open(encoding="utf-8", newline="") as handle:
        drift = list(csv.DictReader(handle))
    own = [*checks(metrics, alignment, hybrid), *checks_computed(levels, drift)]
    beside = deviations(
        levels,
        read_table(job.input.live_hosts, HOST_RUNS),
        read_hosts(project_file(job.params.properties), kinds=("literature",)),
        read_table(job.input.space, SPACE),
    )
    write_csv(job.output.scorecard, scorecard(hybrid, curves), SCORECARD_COLUMNS)
    write_csv(job.output.checks, own, CHECK_COLUMNS)
    write_csv(job.output.deviations, beside, DEVIATION_COLUMNS)


def simulate_levels(job: Job) -> None:
    """Error against gap if the model were right.

    Input model (npz), predictions; params.draws, params.seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table
    from defectra.studies.levels.evaluate import PREDICTIONS
    from defectra.studies.levels.saved import load
    from defectra.studies.levels.simulated import SIMULATED_COLUMNS, simulate

    predictions = read_table(job.input.predictions, PREDICTIONS)
    draws, seed = int(job.params.draws), int(job.params.seed)
    rows = simulate(load(job.input.model), predictions, draws, seed)
    write_csv(job.output[0], rows, SIMULATED_COLUMNS)
