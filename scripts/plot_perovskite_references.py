"""Figure `references` of the perovskites. Input references (csv); output[0] png."""

from defectra.core.csvs import read_csv
from defectra.studies.perovskites.figures.models import plot_references
from defectra.studies.perovskites.tables import REFERENCES_COLUMNS

plot_references(read_csv(snakemake.input.references, REFERENCES_COLUMNS), snakemake.output[0])
