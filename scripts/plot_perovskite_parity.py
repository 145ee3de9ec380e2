"""Figure `parity` of the perovskites. Input predictions; output[0] png."""

from defectra.figures.perovskites import plot_parity
from defectra.perovskites.tables import PREDICTIONS
from defectra.store import read_table

plot_parity(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0])
