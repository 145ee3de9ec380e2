"""Steps: what the rules of the campaign do with their files; no science here."""

from __future__ import annotations

from defectra.core.step import Job, decoded, results_of


def collect_scores(job: Job) -> None:
    """Scorecards and checks of all studies.

    Input scorecards, checks: one csv of each study; output scorecard, checks (csv).
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv

    for paths, out, columns in (
        (job.input.scorecards, job.output.scorecard, SCORECARD_COLUMNS),
        (job.input.checks, job.output.checks, CHECK_COLUMNS),
    ):
        each = [paths] if isinstance(paths, str) else list(paths)
        write_csv(out, [row for path in each for row in read_csv(path, columns)], columns)


def join_metrics(job: Job) -> None:
    """Scores of all parts of a study in one table.

    Input csv of each; output[0] csv.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS

    rows = [row for path in job.input for row in read_csv(path, METRICS_COLUMNS)]
    write_csv(job.output[0], rows, METRICS_COLUMNS)


def gather(job: Job) -> None:
    """Union of the chunks.

    Input and output structures, geometries, calculations, spectra.

    params.max_failed = fraction of failed calculations above which the run ends with an error.
    """
    from defectra.campaign.gather import check_failures, unite
    from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, STRUCTURES

    TABLES = {
        "structures": (STRUCTURES, ["structure_id"]),
        "geometries": (GEOMETRIES, ["geometry_id", "structure_id", "protocol"]),
        "calculations": (CALCULATIONS, ["calculation_id", "structure_id", "site"]),
        "spectra": (SPECTRA, ["calculation_id"]),
    }

    check_failures(job.input.calculations, float(job.params.max_failed))
    for name, (table, key) in TABLES.items():
        unite(job.input[name], job.output[name], table, key)


def compute(job: Job) -> None:
    """Complete one chunk of a study that has no manifests: what its config asks for and lacks.

    Output counts (JSON). params.config = parts of the config. The journal,
    results/store/<chunk>.journal, is nobody's output.
    """
    import json

    from defectra.campaign.studies import study_of
    from defectra.campaign.worker import PATIENCE_S, run_chunk
    from defectra.core.config import part_of_config
    from defectra.core.limits import with_limits
    from defectra.core.scratch import use_node_scratch
    from defectra.core.store import write_bytes

    use_node_scratch()
    chunk, part = job.wildcards.chunk, decoded(job, "config")
    limits = with_limits(part.get("protocols", {}), results_of(job))
    config = part_of_config(part | {"protocols": limits})
    counts = run_chunk(study_of(chunk), chunk, config, results_of(job) / "store", PATIENCE_S)
    for sentence in counts.sentences():
        print(sentence, flush=True)
    write_bytes(job.output[0], json.dumps(vars(counts), indent=1).encode())


def gather_arrays(job: Job) -> None:
    """Rows and arrays of one kind of result of a study: journals before the archive.

    Input: counts of the chunks; output table (parquet), arrays (h5 beside it, same stem).

    params.study, params.kind = names; params.config = parts of the config.
    """
    from defectra.campaign.arrays import project
    from defectra.campaign.studies import families_of, ledger_of
    from defectra.core.config import part_of_config

    study, config = job.params.study, part_of_config(decoded(job, "config"))
    ledger = ledger_of(study, config, results_of(job) / "store")
    count = project(families_of(study, config), ledger, job.params.kind, job.output.table)
    print(f"{count} calculations of kind {job.params.kind}", flush=True)
