"""Figure of the fidelity ladder. Input ladder (parquet); output[0] png."""

from defectra.core.store import read_table
from defectra.studies.xanes.figures.series import plot_ladder
from defectra.studies.xanes.ladder import LADDER

plot_ladder(read_table(snakemake.input.ladder, LADDER), snakemake.output[0])
