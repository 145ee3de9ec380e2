"""Figure `errors` of the perovskites. Input metrics; output[0] png."""

from defectra.core.csvs import read_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.studies.perovskites.figures.models import plot_errors

plot_errors(read_csv(snakemake.input.metrics, METRICS_COLUMNS), snakemake.output[0])
