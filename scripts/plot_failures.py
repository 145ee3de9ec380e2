"""What failed and why. Input calculations; no params."""

from defectra.figures.series import plot_failures
from defectra.records import CALCULATIONS
from defectra.store import read_table

plot_failures(read_table(snakemake.input.calculations, CALCULATIONS), snakemake.output[0])
