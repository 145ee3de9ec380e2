"""What failed and why. Input calculations; no params."""

from defectra.core.records import CALCULATIONS
from defectra.core.store import read_table
from defectra.studies.nmc.figures.lithium import plot_failures

plot_failures(read_table(snakemake.input.calculations, CALCULATIONS), snakemake.output[0])
