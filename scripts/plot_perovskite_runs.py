"""Figure `runs` of the perovskites. Input parity (csv); output[0] png."""

from defectra.figures.perovskite_runs import plot_runs
from defectra.perovskites.parity import PARITY_COLUMNS
from defectra.tables.csvs import read_csv

plot_runs(read_csv(snakemake.input.parity, PARITY_COLUMNS), snakemake.output[0])
