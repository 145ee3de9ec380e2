"""Transition-level diagrams. Input space (parquet), hosts (csv); params.config = the diagrams."""

import json

from defectra.figures.level_diagrams import plot_diagrams
from defectra.levels.hosts import read_hosts
from defectra.models.whole_space import SPACE
from defectra.store import read_table

plot_diagrams(
    read_table(snakemake.input.space, SPACE),
    read_hosts(snakemake.input.hosts),
    json.loads(snakemake.params.config),
    snakemake.output[0],
)
