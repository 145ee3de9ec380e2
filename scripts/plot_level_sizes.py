"""Figure of one defect in cells of several sizes. Input levels, hosts (parquet); no params."""

from defectra.figures.level_sizes import plot_sizes
from defectra.levels.live_table import HOST_RUNS, LIVE_LEVELS
from defectra.store import read_table

lattices = {r["host"]: r["lattice_A"] for r in read_table(snakemake.input.hosts, HOST_RUNS)}
plot_sizes(read_table(snakemake.input.levels, LIVE_LEVELS), lattices, snakemake.output[0])
