"""Figure of study levels. Input space (parquet); no params."""

from defectra.figures.level_space import plot_published
from defectra.models.whole_space import SPACE
from defectra.store import read_table

plot_published(read_table(snakemake.input.space, SPACE), snakemake.output[0])
