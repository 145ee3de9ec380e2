"""Figures of the features. Input metrics (csv); output features, decay (png)."""

from defectra.core.csvs import read_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.studies.xanes.figures.features import plot_decay, plot_features

rows = read_csv(snakemake.input.metrics, METRICS_COLUMNS)
plot_features(rows, snakemake.output.features)
plot_decay(rows, snakemake.output.decay)
