"""Figures of study levels. Input space (parquet), hosts (csv); output map, wall; no params."""

from defectra.core.store import read_table
from defectra.studies.levels.figures.space import plot_map
from defectra.studies.levels.figures.wall import plot_wall
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.whole_space import SPACE

rows = read_table(snakemake.input.space, SPACE)
plot_map(rows, snakemake.output.map)
plot_wall(rows, read_hosts(snakemake.input.hosts), snakemake.output.wall)
