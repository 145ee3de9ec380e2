"""Figure of the live set. Input levels (parquet); no params."""

from defectra.core.store import read_table
from defectra.studies.levels.figures.computed import plot_live
from defectra.studies.levels.tables import LIVE_LEVELS

plot_live(read_table(snakemake.input.levels, LIVE_LEVELS), snakemake.output[0])
