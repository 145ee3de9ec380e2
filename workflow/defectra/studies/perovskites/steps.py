"""Steps: what the rules of study `perovskites` do with their files; no science here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.step import Job, settings_of

if TYPE_CHECKING:
    from defectra.studies.perovskites.checks import Tables


def evaluate_perovskites(job: Job) -> None:
    """Models of one label.

    Input compounds, runs (parquet), references, ions (csv).

    Output metrics (csv), predictions (parquet).

    wildcards.label = label; params.config = leaf perovskites; params.seed = seed.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table, write_table
    from defectra.studies.perovskites.descriptors import ions_from_rows
    from defectra.studies.perovskites.evaluate import evaluate
    from defectra.studies.perovskites.settings import PerovskiteStudy
    from defectra.studies.perovskites.tables import (
        COMPOUNDS,
        IONS_COLUMNS,
        PREDICTIONS,
        REFERENCES_COLUMNS,
        RUNS,
    )

    metrics, predictions = evaluate(
        job.wildcards.label,
        read_table(job.input.compounds, COMPOUNDS),
        read_csv(job.input.references, REFERENCES_COLUMNS),
        ions_from_rows(read_csv(job.input.ions, IONS_COLUMNS)),
        settings_of(job, PerovskiteStudy),
        int(job.params.seed),
        read_table(job.input.runs, RUNS),
    )
    write_csv(job.output.metrics, metrics, METRICS_COLUMNS)
    write_table(job.output.predictions, predictions, PREDICTIONS)


def gather_perovskites(job: Job) -> None:
    """Scores and predictions of all labels in one.

    Input metrics, predictions; output the same.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table, write_table
    from defectra.studies.perovskites.tables import PREDICTIONS

    rows = [row for path in job.input.metrics for row in read_csv(path, METRICS_COLUMNS)]
    write_csv(job.output.metrics, rows, METRICS_COLUMNS)
    rows = [row for path in job.input.predictions for row in read_table(path, PREDICTIONS)]
    write_table(job.output.predictions, rows, PREDICTIONS)


def load_perovskites(job: Job) -> None:
    """Published perovskites, checked.

    Input files of the mirror; output compounds (parquet) and csv.

    params.mirror = folder of the published data; input main, defects, pbe, hse, elements.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.store import write_table
    from defectra.studies.perovskites import elements, loader, quality
    from defectra.studies.perovskites.references import reference_rows
    from defectra.studies.perovskites.tables import (
        COMPOUNDS,
        IONS_COLUMNS,
        QUALITY_COLUMNS,
        REFERENCES_COLUMNS,
    )

    path = {k: located(v, job.params.mirror)[0] for k, v in job.input.items()}
    ml = loader.read_defects(path["defects"], loader.read_main(path["main"]))
    ml, findings = quality.check(ml)
    pbe, left_out = loader.read_design(path["pbe"], "PBE")
    hse, _ = loader.read_design(path["hse"], "HSE")
    print("left out:", left_out)
    references = [*reference_rows(pbe, "PBE"), *reference_rows(hse, "HSE")]
    write_table(job.output.compounds, loader.merge_sets(ml, pbe, hse), COMPOUNDS)
    write_csv(job.output.references, references, REFERENCES_COLUMNS)
    write_csv(job.output.quality, findings, QUALITY_COLUMNS)
    write_csv(job.output.ions, elements.compare(path["elements"]), IONS_COLUMNS)


def measure_fidelity(job: Job) -> None:
    """Error against cost.

    Input compounds (parquet), references, ions (csv); output[0] csv.

    params.config = leaf perovskites.fidelity; params.seed = seed.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.store import read_table
    from defectra.studies.perovskites.descriptors import ions_from_rows
    from defectra.studies.perovskites.fidelity import FIDELITY_COLUMNS, fidelity_rows
    from defectra.studies.perovskites.settings import Fidelity
    from defectra.studies.perovskites.tables import COMPOUNDS, IONS_COLUMNS, REFERENCES_COLUMNS

    rows = fidelity_rows(
        read_table(job.input.compounds, COMPOUNDS),
        read_csv(job.input.references, REFERENCES_COLUMNS),
        ions_from_rows(read_csv(job.input.ions, IONS_COLUMNS)),
        settings_of(job, Fidelity),
        int(job.params.seed),
    )
    write_csv(job.output[0], rows, FIDELITY_COLUMNS)


def score_perovskites(job: Job) -> None:
    """Scorecard and checks of the perovskites.

    Input csv of the study's tables; output scorecard, checks (csv).
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.studies.perovskites import slme
    from defectra.studies.perovskites.checks import checks
    from defectra.studies.perovskites.scorecard import scorecard

    tables = _checked(job)
    claims = scorecard(tables.metrics, read_csv(job.input.films, slme.COLUMNS))
    write_csv(job.output.scorecard, claims, SCORECARD_COLUMNS)
    write_csv(job.output.checks, checks(tables), CHECK_COLUMNS)


def _checked(job: Job) -> Tables:
    """What the checks of :func:`score_perovskites` are about."""
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.perovskites import decomposition, efficiency, orderings, published, tilts
    from defectra.studies.perovskites.binary_phases import EXCESS_COLUMNS
    from defectra.studies.perovskites.checks import Tables
    from defectra.studies.perovskites.measured_scores import LADDER_COLUMNS
    from defectra.studies.perovskites.parity import PARITY_COLUMNS
    from defectra.studies.perovskites.tables import (
        QUALITY_COLUMNS,
        REFERENCES_COLUMNS,
        RUNS_COLUMNS,
    )

    return Tables(
        metrics=read_csv(job.input.metrics, METRICS_COLUMNS),
        quality=read_csv(job.input.quality, QUALITY_COLUMNS),
        references=read_csv(job.input.references, REFERENCES_COLUMNS),
        runs=read_csv(job.input.runs, RUNS_COLUMNS),
        parity=read_csv(job.input.parity, PARITY_COLUMNS),
        excesses=read_csv(job.input.excesses, EXCESS_COLUMNS),
        decomposition=read_csv(job.input.decomposition, decomposition.COLUMNS),
        measured=read_csv(job.input.measured, METRICS_COLUMNS),
        ladder=read_csv(job.input.ladder, LADDER_COLUMNS),
        predictions=read_csv(job.input.predictions, published.COLUMNS),
        films=read_csv(job.input.own_films, efficiency.COLUMNS),
        tilted=read_csv(job.input.tilts, tilts.COLUMNS),
        mixing=read_csv(job.input.mixing, orderings.COLUMNS),
    )


def compare_predictions(job: Job) -> None:
    """The authors' predictions of the compounds that they named, beside ours.

    Input names, optical, structural (files of the mirror), screened, compounds (parquet); output
    csv. params.mirror = folder of the published data.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.store import read_table
    from defectra.studies.perovskites import published
    from defectra.studies.perovskites.screen import SHOWN, screened_table
    from defectra.studies.perovskites.tables import COMPOUNDS, SCREEN_UNITS

    files = ("names", "optical", "structural")
    paths = [located(getattr(job.input, key), job.params.mirror)[0] for key in files]
    screened = read_table(job.input.screened, screened_table(), ["name", *SHOWN])
    known = read_table(job.input.compounds, COMPOUNDS)
    rows = published.beside(published.read_named(*paths), screened, known, SCREEN_UNITS)
    write_csv(job.output[0], rows, published.COLUMNS)


def screen_perovskites(job: Job) -> None:
    """The screen.

    Input compounds, runs (parquet), references, ions (csv); output screened (parquet), passed,
    funnel (csv).

    params.config = leaf perovskites; params.seed = seed; params.readings = measured gaps.
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table, write_table
    from defectra.studies.perovskites import screen
    from defectra.studies.perovskites.compounds import whole_space
    from defectra.studies.perovskites.descriptors import ions_from_rows
    from defectra.studies.perovskites.measured import read_measured
    from defectra.studies.perovskites.measured_like import MeasuredLike
    from defectra.studies.perovskites.settings import PerovskiteStudy
    from defectra.studies.perovskites.tables import (
        COMPOUNDS,
        IONS_COLUMNS,
        REFERENCES_COLUMNS,
        RUNS,
    )

    study = settings_of(job, PerovskiteStudy)
    references = read_csv(job.input.references, REFERENCES_COLUMNS)
    ions = ions_from_rows(read_csv(job.input.ions, IONS_COLUMNS))
    compounds = read_table(job.input.compounds, COMPOUNDS)
    models = screen.train(compounds, references, ions, study, int(job.params.seed))
    readings = read_measured(project_file(job.params.readings))
    like = MeasuredLike.learn(readings, compounds, read_table(job.input.runs, RUNS), ions)
    space = whole_space()
    rows, seconds = screen.predict(models, space, references, ions, compounds, study.screen, like)
    print(f"{len(rows)} compounds predicted in {seconds:.1f} s")
    write_table(job.output.screened, rows, screen.screened_table())
    passed = [{k: r[k] for k in screen.passed_columns()} for r in rows if r["passes"]]
    write_csv(job.output.passed, passed, screen.passed_columns())
    write_csv(job.output.funnel, screen.funnel(rows, study.screen), screen.FUNNEL_COLUMNS)
