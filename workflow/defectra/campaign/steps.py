"""Steps: what the rules of the campaign do with their files; no science here."""

from __future__ import annotations

from defectra.core.step import Job


def calculate(job: Job) -> None:
    """Complete one chunk of the plan and project it.

    Input structures, tasks, archived (a digest).

    Output geometries, calculations, spectra. params.settings = JSON of the worker's settings;
    params.archive = folder, as JSON. The journal, results/store/<chunk>.journal, is nobody's
    output.
    """
    import json
    from pathlib import Path

    from defectra.campaign.worker import Settings, run_chunk
    from defectra.core.scratch import use_node_scratch

    use_node_scratch()
    counts = run_chunk(
        Path(job.input.tasks).parent,
        Settings.model_validate_json(job.params.settings),
        Path("results/store") / f"{job.wildcards.chunk}.journal",
        Path(json.loads(job.params.archive)),
        Path(job.output.calculations).parent,
    )
    print(counts)


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


def drift(job: Job) -> None:
    """Drift of the engine.

    Input archive (parts); output drift (parquet).

    params.settings = JSON of the worker's settings; params.number; params.seed; params.archive =
    folder, as JSON.
    """
    import json

    from defectra.campaign.drift import check
    from defectra.campaign.worker import Settings
    from defectra.core.records import DRIFT
    from defectra.core.scratch import use_node_scratch
    from defectra.core.store import Archive, write_table

    use_node_scratch()
    rows = check(
        Archive(json.loads(job.params.archive)),
        Settings.model_validate_json(job.params.settings),
        int(job.params.number),
        int(job.params.seed),
    )
    write_table(job.output[0], rows, DRIFT)


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
