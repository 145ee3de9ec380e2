"""Figure steps of study `levels`: tables in, one picture out."""

from __future__ import annotations

from defectra.core.step import Job, decoded


def plot_level_diagrams(job: Job) -> None:
    """Transition-level diagrams.

    Input space (parquet); params.config = the diagrams; params.properties = file of the hosts.
    """
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table
    from defectra.studies.levels.figures.diagrams import plot_diagrams
    from defectra.studies.levels.hosts import read_hosts
    from defectra.studies.levels.whole_space import SPACE

    plot_diagrams(
        read_table(job.input.space, SPACE),
        read_hosts(project_file(job.params.properties)),
        decoded(job, "config"),
        job.output[0],
    )


def plot_level_errors(job: Job) -> None:
    """Figure of study levels.

    Input predictions (parquet); no params.
    """
    from defectra.core.store import read_table
    from defectra.studies.levels.evaluate import PREDICTIONS
    from defectra.studies.levels.figures.errors import plot_errors

    plot_errors(read_table(job.input.predictions, PREDICTIONS), job.output[0])


def plot_level_gap(job: Job) -> None:
    """Figure of study levels.

    Input predictions (parquet), simulated (csv); no params.
    """
    import csv
    from pathlib import Path

    from defectra.core.store import read_table
    from defectra.studies.levels.evaluate import PREDICTIONS
    from defectra.studies.levels.figures.errors import plot_gap

    with Path(job.input.simulated).open(encoding="utf-8", newline="") as handle:
        simulated = list(csv.DictReader(handle))
    plot_gap(read_table(job.input.predictions, PREDICTIONS), job.output[0], simulated)


def plot_level_coverage(job: Job) -> None:
    """Figure of the coverage of families, chemistries and hosts.

    Input predictions (parquet); no params.
    """
    from defectra.core.store import read_table
    from defectra.studies.levels.evaluate import PREDICTIONS
    from defectra.studies.levels.figures.coverage import plot_coverage

    plot_coverage(read_table(job.input.predictions, PREDICTIONS), job.output[0])


def plot_hybrid_levels(job: Job) -> None:
    """Figure of PBE, aligned and true hybrid levels.

    Input hybrid (csv); no params.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.levels.figures.hybrid import plot_hybrid
    from defectra.studies.levels.hybrid import HYBRID_COLUMNS

    plot_hybrid(read_csv(job.input.hybrid, HYBRID_COLUMNS), job.output[0])


def plot_level_map(job: Job) -> None:
    """Figures of study levels.

    Input space (parquet); output map, wall; params.properties = file of the hosts.
    """
    from defectra.core.project_files import project_file
    from defectra.core.store import read_table
    from defectra.studies.levels.figures.space import plot_map
    from defectra.studies.levels.figures.wall import plot_wall
    from defectra.studies.levels.hosts import read_hosts
    from defectra.studies.levels.whole_space import SPACE

    rows = read_table(job.input.space, SPACE)
    plot_map(rows, job.output.map)
    plot_wall(rows, read_hosts(project_file(job.params.properties)), job.output.wall)


def plot_level_published(job: Job) -> None:
    """Figure of study levels.

    Input space (parquet); no params.
    """
    from defectra.core.store import read_table
    from defectra.studies.levels.figures.space import plot_published
    from defectra.studies.levels.whole_space import SPACE

    plot_published(read_table(job.input.space, SPACE), job.output[0])


def plot_level_sizes(job: Job) -> None:
    """Figure of one defect in cells of several sizes.

    Input levels, hosts (parquet); no params.
    """
    from defectra.core.store import read_table
    from defectra.studies.levels.figures.sizes import plot_sizes
    from defectra.studies.levels.tables import COMPUTED_LEVELS, HOST_RUNS

    lattices = {r["host"]: r["lattice_A"] for r in read_table(job.input.hosts, HOST_RUNS)}
    plot_sizes(read_table(job.input.levels, COMPUTED_LEVELS), lattices, job.output[0])


def plot_live_levels(job: Job) -> None:
    """Figure of the sets computed with GPAW.

    Input levels (parquet); no params.
    """
    from defectra.core.store import read_table
    from defectra.studies.levels.figures.computed import plot_computed
    from defectra.studies.levels.tables import COMPUTED_LEVELS

    plot_computed(read_table(job.input.levels, COMPUTED_LEVELS), job.output[0])
