"""Figures of study levels. Input space (parquet), hosts (csv); output map, wall; no params."""

from defectra.figures.level_space import plot_map
from defectra.figures.level_wall import plot_wall
from defectra.levels.hosts import read_hosts
from defectra.models.whole_space import SPACE
from defectra.store import read_table

rows = read_table(snakemake.input.space, SPACE)
plot_map(rows, snakemake.output.map)
plot_wall(rows, read_hosts(snakemake.input.hosts), snakemake.output.wall)
