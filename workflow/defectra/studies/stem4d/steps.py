"""Steps of study `stem4d`: what its rules run."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def learn_symmetry(job: Job) -> None:
    """Networks of perfect cells.

    Input scans (parquet, its arrays beside it); output latents (parquet), metrics (csv), and a
    model of each sample (graphene, gallium_arsenide: safetensors).

    params.config = leaf stem4d; params.seed = seed. Checkpoints lie beside the output meanwhile.
    """
    from pathlib import Path

    from defectra.learn.torch_library import need_torch
    from defectra.studies.stem4d.learn import symmetry
    from defectra.studies.stem4d.saved_models import keep_sites
    from defectra.studies.stem4d.scans import CELLS, cell_places, read_scans
    from defectra.studies.stem4d.settings import Stem4dStudy

    need_torch()
    study, scans = settings_of(job, Stem4dStudy), read_scans(job.input.scans)
    keep = Path(job.output.latents).parent / "checkpoints"
    rows, scores = [], []
    for sample in ("graphene", "gallium_arsenide"):
        found = symmetry(sample, scans, study, int(job.params.seed), keep)
        rows += found[0]
        scores += found[1]
        scan = scans[sample, study.methods[0]]
        places = cell_places(sample, study.scan.cell_points)[1] @ CELLS[sample]
        keep_sites(getattr(job.output, sample), found[2], scan, places, study)
    _write(job, rows, scores)


def learn_vacancies(job: Job) -> None:
    """Networks of sheets with vacancies; see :func:`learn_symmetry`. Output model (safetensors)."""
    from pathlib import Path

    from defectra.core.errors import TableError
    from defectra.learn.torch_library import need_torch
    from defectra.studies.stem4d.saved_models import keep_vacancy
    from defectra.studies.stem4d.scans import read_scans
    from defectra.studies.stem4d.settings import Stem4dStudy
    from defectra.studies.stem4d.vacancies import vacancies

    need_torch()
    study, scans = settings_of(job, Stem4dStudy), read_scans(job.input.scans)
    keep = Path(job.output.latents).parent / "checkpoints"
    rows, scores, model = vacancies(scans, study, int(job.params.seed), keep)
    if model is None:
        raise TableError(f"{job.input.scans}: no scans of sheets with vacancies")
    keep_vacancy(job.output.model, *model, scans["mono", study.methods[0]], study)
    _write(job, rows, scores)


def _write(job: Job, rows: list[dict[str, object]], scores: list[dict[str, object]]) -> None:
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import write_table
    from defectra.studies.stem4d.tables import LATENTS

    write_table(job.output.latents, rows, LATENTS)
    write_csv(job.output.metrics, scores, METRICS_COLUMNS)


def score_stem4d(job: Job) -> None:
    """Scorecard and checks.

    Input metrics (csv); output scorecard, checks (csv).

    params.config = leaf stem4d.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.stem4d.claims import checks
    from defectra.studies.stem4d.settings import Stem4dStudy

    study = settings_of(job, Stem4dStudy)
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    # No claim: the paper prints no number, and what it says in words is built into the encoder.
    write_csv(job.output.scorecard, [], SCORECARD_COLUMNS)
    write_csv(job.output.checks, checks(metrics, study), CHECK_COLUMNS)


def plot_stem4d(job: Job) -> None:
    """Figures.

    Input latents (parquet), metrics (csv); output latents, vacancies (png).

    params.config = leaf stem4d.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.stem4d.figures.maps import plot_latents, plot_vacancies
    from defectra.studies.stem4d.settings import Stem4dStudy
    from defectra.studies.stem4d.tables import LATENTS

    study = settings_of(job, Stem4dStudy)
    plot_latents(read_table(job.input.latents, LATENTS), study, job.output.latents)
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    plot_vacancies(metrics, study, job.output.vacancies)
