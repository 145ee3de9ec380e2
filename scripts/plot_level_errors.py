"""Figure of study levels. Input predictions (parquet); no params."""

from defectra.figures.levels import plot_errors
from defectra.models.levels import PREDICTIONS
from defectra.store import read_table

plot_errors(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0])
