"""Transition-level diagrams. Input space (parquet), hosts (csv); params.config = the diagrams."""

import json

from defectra.core.store import read_table
from defectra.studies.levels.figures.diagrams import plot_diagrams
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.whole_space import SPACE

plot_diagrams(
    read_table(snakemake.input.space, SPACE),
    read_hosts(snakemake.input.hosts),
    json.loads(snakemake.params.config),
    snakemake.output[0],
)
