"""Figure of study levels. Input predictions (parquet); no params."""

from defectra.core.store import read_table
from defectra.studies.levels.evaluate import PREDICTIONS
from defectra.studies.levels.figures.errors import plot_errors

plot_errors(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0])
