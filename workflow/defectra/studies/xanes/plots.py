"""Figure steps of study `xanes`: tables in, one picture out."""

from __future__ import annotations

from defectra.core.step import Job


def plot_xanes_delta(job: Job) -> None:
    """Figure of FEFF to VASP.

    Input pairs (parquet), metrics (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.xanes.delta import PAIRS
    from defectra.studies.xanes.figures.features import plot_delta

    plot_delta(
        read_table(job.input.pairs, PAIRS),
        read_csv(job.input.metrics, METRICS_COLUMNS),
        job.output[0],
    )


def plot_xanes_features(job: Job) -> None:
    """Figures of the features.

    Input metrics (csv); output features, decay (png).
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.xanes.figures.features import plot_decay, plot_features

    rows = read_csv(job.input.metrics, METRICS_COLUMNS)
    plot_features(rows, job.output.features)
    plot_decay(rows, job.output.decay)


def plot_xanes_ladder(job: Job) -> None:
    """Figure of the comparison of fidelities.

    Input ladder (parquet); output[0] png.
    """
    from defectra.core.store import read_table
    from defectra.studies.xanes.fidelity_comparison import COMPARISON
    from defectra.studies.xanes.figures.fidelities import plot_ladder

    plot_ladder(read_table(job.input.ladder, COMPARISON), job.output[0])


def plot_xanes_transfer(job: Job) -> None:
    """Figure of FEFF to VASP for the other element.

    Input metrics (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.xanes.figures.transfer import plot_transfer

    plot_transfer(read_csv(job.input.metrics, METRICS_COLUMNS), job.output[0])


def plot_xanes_series(job: Job) -> None:
    """Measured series and importance.

    Input series, importance (csv); output both (png).
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.xanes.figures.measured_nickel import plot_importance, plot_series
    from defectra.studies.xanes.measured_nickel import IMPORTANCE_COLUMNS, SERIES_COLUMNS

    plot_series(read_csv(job.input.series, SERIES_COLUMNS), job.output.series)
    looked = read_csv(job.input.importance, IMPORTANCE_COLUMNS)
    plot_importance(looked, job.output.importance)
