"""Figure of the live set. Input levels (parquet); no params."""

from defectra.figures.live_levels import plot_live
from defectra.levels.live_table import LIVE_LEVELS
from defectra.store import read_table

plot_live(read_table(snakemake.input.levels, LIVE_LEVELS), snakemake.output[0])
