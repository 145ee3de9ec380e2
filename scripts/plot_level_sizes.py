"""Figure of one defect in cells of several sizes. Input levels, hosts (parquet); no params."""

from defectra.core.store import read_table
from defectra.studies.levels.figures.sizes import plot_sizes
from defectra.studies.levels.tables import HOST_RUNS, LIVE_LEVELS

lattices = {r["host"]: r["lattice_A"] for r in read_table(snakemake.input.hosts, HOST_RUNS)}
plot_sizes(read_table(snakemake.input.levels, LIVE_LEVELS), lattices, snakemake.output[0])
