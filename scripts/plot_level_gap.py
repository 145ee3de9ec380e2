"""Figure of study levels. Input predictions (parquet), simulated (csv); no params."""

import csv
from pathlib import Path

from defectra.figures.levels import plot_gap
from defectra.models.levels import PREDICTIONS
from defectra.store import read_table

with Path(snakemake.input.simulated).open(encoding="utf-8", newline="") as handle:
    simulated = list(csv.DictReader(handle))
plot_gap(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0], simulated)
