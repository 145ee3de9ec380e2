"""Figure `references` of the perovskites. Input references (csv); output[0] png."""

from defectra.figures.perovskites import plot_references
from defectra.perovskites.tables import REFERENCES_COLUMNS
from defectra.tables.csvs import read_csv

plot_references(read_csv(snakemake.input.references, REFERENCES_COLUMNS), snakemake.output[0])
