"""Figure of study levels. Input space (parquet); no params."""

from defectra.core.store import read_table
from defectra.studies.levels.figures.space import plot_published
from defectra.studies.levels.whole_space import SPACE

plot_published(read_table(snakemake.input.space, SPACE), snakemake.output[0])
