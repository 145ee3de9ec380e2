"""Figure `fidelity` of the perovskites. Input fidelity (csv); output[0] png."""

from defectra.core.csvs import read_csv
from defectra.studies.perovskites.fidelity import FIDELITY_COLUMNS
from defectra.studies.perovskites.figures.models import plot_fidelity

plot_fidelity(read_csv(snakemake.input.fidelity, FIDELITY_COLUMNS), snakemake.output[0])
