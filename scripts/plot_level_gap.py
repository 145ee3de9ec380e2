"""Figure of study levels. Input predictions (parquet), simulated (csv); no params."""

import csv
from pathlib import Path

from defectra.core.store import read_table
from defectra.studies.levels.evaluate import PREDICTIONS
from defectra.studies.levels.figures.errors import plot_gap

with Path(snakemake.input.simulated).open(encoding="utf-8", newline="") as handle:
    simulated = list(csv.DictReader(handle))
plot_gap(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0], simulated)
