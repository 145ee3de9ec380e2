"""Parity figure. Input predictions (parquet); no params."""

from defectra.core.store import read_table
from defectra.learn.predictions import PREDICTIONS
from defectra.studies.nmc.figures.models import plot_parity

plot_parity(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0])
