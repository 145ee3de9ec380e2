"""Figure of the fidelity ladder. Input ladder (parquet); output[0] png."""

from defectra.figures.xanes_series import plot_ladder
from defectra.store import read_table
from defectra.xanes.ladder import LADDER

plot_ladder(read_table(snakemake.input.ladder, LADDER), snakemake.output[0])
