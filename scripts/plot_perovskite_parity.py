"""Figure `parity` of the perovskites. Input predictions; output[0] png."""

from defectra.core.store import read_table
from defectra.studies.perovskites.figures.models import plot_parity
from defectra.studies.perovskites.tables import PREDICTIONS

plot_parity(read_table(snakemake.input.predictions, PREDICTIONS), snakemake.output[0])
