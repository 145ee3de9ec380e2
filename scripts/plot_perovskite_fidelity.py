"""Figure `fidelity` of the perovskites. Input fidelity (csv); output[0] png."""

from defectra.figures.perovskites import plot_fidelity
from defectra.perovskites.fidelity import FIDELITY_COLUMNS
from defectra.tables.csvs import read_csv

plot_fidelity(read_csv(snakemake.input.fidelity, FIDELITY_COLUMNS), snakemake.output[0])
