"""Parity figure. Input predictions (parquet); no params."""

from defectra.figures.nmc import plot_parity
from defectra.models.predictions import PREDICTIONS
from defectra.store import read_table

plot_parity(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0])
