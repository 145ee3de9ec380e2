"""Figure steps of study `perovskites`: tables in, one picture out."""

from __future__ import annotations

from defectra.core.step import Job, settings_of


def plot_perovskite_decomposition(job: Job) -> None:
    """Figure `decomposition`.

    Input decomposition, vacancies (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites import decomposition, vacancies
    from defectra.studies.perovskites.figures.runs import plot_decomposition

    rows = read_csv(job.input.decomposition, decomposition.COLUMNS)
    pairs = read_csv(job.input.vacancies, vacancies.COLUMNS)
    plot_decomposition(rows, pairs, job.output[0])


def plot_perovskite_errors(job: Job) -> None:
    """Figure `errors` of the perovskites.

    Input metrics; output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.perovskites.figures.models import plot_errors

    plot_errors(read_csv(job.input.metrics, METRICS_COLUMNS), job.output[0])


def plot_perovskite_fidelity(job: Job) -> None:
    """Figure `fidelity` of the perovskites.

    Input fidelity (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites.fidelity import FIDELITY_COLUMNS
    from defectra.studies.perovskites.figures.models import plot_fidelity

    plot_fidelity(read_csv(job.input.fidelity, FIDELITY_COLUMNS), job.output[0])


def plot_perovskite_orderings(job: Job) -> None:
    """Figure `orderings`.

    Input mixing (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites import orderings
    from defectra.studies.perovskites.figures.orderings import plot_orderings

    plot_orderings(read_csv(job.input.mixing, orderings.COLUMNS), job.output[0])


def plot_perovskite_parity(job: Job) -> None:
    """Figure `parity` of the perovskites.

    Input predictions; output[0] png.
    """
    from defectra.core.store import read_table
    from defectra.studies.perovskites.figures.models import plot_parity
    from defectra.studies.perovskites.tables import PREDICTIONS

    plot_parity(read_table(job.input.predictions, PREDICTIONS), job.output[0])


def plot_perovskite_references(job: Job) -> None:
    """Figure `references` of the perovskites.

    Input references (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites.figures.models import plot_references
    from defectra.studies.perovskites.tables import REFERENCES_COLUMNS

    plot_references(read_csv(job.input.references, REFERENCES_COLUMNS), job.output[0])


def plot_perovskite_runs(job: Job) -> None:
    """Figure `runs` of the perovskites.

    Input parity (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites.figures.runs import plot_runs
    from defectra.studies.perovskites.parity import PARITY_COLUMNS

    plot_runs(read_csv(job.input.parity, PARITY_COLUMNS), job.output[0])


def plot_perovskite_screen(job: Job) -> None:
    """Figures of the screen.

    Input screened (parquet), funnel (csv); output funnel, gap, stability.

    params.config = leaf perovskites.screen.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.store import read_table
    from defectra.studies.perovskites.figures.screen import plot_funnel, plot_gap, plot_stability
    from defectra.studies.perovskites.screen import FUNNEL_COLUMNS, screened_table
    from defectra.studies.perovskites.settings import Screen

    settings = settings_of(job, Screen)
    columns = ["name", "a", "b", "x", "gap_HSE", "decomposition_HSE", "decomposition_consistent"]
    rows = read_table(job.input.screened, screened_table(), columns)
    plot_funnel(read_csv(job.input.funnel, FUNNEL_COLUMNS), settings, job.output.funnel)
    plot_gap(rows, job.output.gap)
    plot_stability(rows, job.output.stability)
