"""Figure `runs` of the perovskites. Input parity (csv); output[0] png."""

from defectra.core.csvs import read_csv
from defectra.studies.perovskites.figures.runs import plot_runs
from defectra.studies.perovskites.parity import PARITY_COLUMNS

plot_runs(read_csv(snakemake.input.parity, PARITY_COLUMNS), snakemake.output[0])
